// A client of the control socket that shares no code with liveswap: Debian's Go library for Varlink.
// usage: varlink_client SOCKET; prints what it saw, a line each, and ends with status 1 at the first thing that is wrong.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/varlink/go/varlink"
	"github.com/varlink/go/varlink/idl"
)

const control = "org.liveswap.Control"

type event struct {
	Event   string `json:"event"`
	Message string `json:"message"`
}

type outcome struct {
	Result  string `json:"result"`
	Reason  string `json:"reason"`
	Next    string `json:"next"`
	App     string `json:"app"`
	Release int    `json:"release"`
	Serving int    `json:"serving"`
}

type progress struct {
	Event   *event   `json:"event"`
	Outcome *outcome `json:"outcome"`
}

func fail(format string, values ...interface{}) {
	fmt.Printf(format+"\n", values...)
	os.Exit(1)
}

func check(what string, err error) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

func describe(ctx context.Context, connection *varlink.Connection) {
	var vendor, product, version string
	var interfaces []string
	check("GetInfo", connection.GetInfo(ctx, &vendor, &product, &version, nil, &interfaces))
	fmt.Printf("%s %s: %s\n", vendor, product, strings.Join(interfaces, " "))
	for _, name := range interfaces {
		description, err := connection.GetInterfaceDescription(ctx, name)
		check("GetInterfaceDescription", err)
		// The library's parser knows the grammar, but of an older day: names of interfaces had no capitals.
		parsed, err := idl.New(strings.Replace(description, "interface "+name, "interface "+strings.ToLower(name), 1))
		check(name, err)
		fmt.Printf("%s: %d methods, %d errors\n", name, len(parsed.Methods), len(parsed.Errors))
	}
}

func status(ctx context.Context, connection *varlink.Connection) {
	var reply struct {
		Apps []struct {
			Name  string `json:"name"`
			State string `json:"state"`
			Ready int    `json:"workers_ready"`
		} `json:"apps"`
	}
	check("Status", connection.Call(ctx, control+".Status", nil, &reply))
	for _, app := range reply.Apps {
		fmt.Printf("%s is %s with %d\n", app.Name, app.State, app.Ready)
	}
}

func upgrade(ctx context.Context, connection *varlink.Connection, parameters map[string]interface{}) {
	receive, err := connection.Send(ctx, control+".Upgrade", parameters, varlink.More)
	check("Upgrade", err)
	for {
		var reply progress
		flags, err := receive(ctx, &reply)
		if refused, is := err.(*varlink.Error); is {
			raw := refused.Parameters.(*json.RawMessage)
			check("the error's parameters", json.Unmarshal(*raw, &reply))
			fmt.Printf("%s: %s, next: %s\n", refused.Name, reply.Outcome.Reason, reply.Outcome.Next)
			return
		}
		check("Upgrade", err)
		if flags&varlink.Continues == 0 {
			fmt.Printf("%s: r%d, %d serving\n", reply.Outcome.Result, reply.Outcome.Release, reply.Outcome.Serving)
			return
		}
		fmt.Printf("event %s\n", reply.Event.Event)
	}
}

func main() {
	ctx := context.Background()
	connection, err := varlink.NewConnection(ctx, "unix:"+os.Args[1])
	check("connect", err)
	describe(ctx, connection)
	status(ctx, connection)
	upgrade(ctx, connection, map[string]interface{}{"app": "web", "label": "1.5"})
	upgrade(ctx, connection, map[string]interface{}{"command": []string{"/nonexistent"}})
	status(ctx, connection)
	err = connection.Call(ctx, control+".Reload", nil, nil)
	if missing, is := err.(*varlink.MethodNotFound); is {
		fmt.Printf("no method %s\n", missing.Method)
	} else {
		fail("Reload: %v", err)
	}
	check("close", connection.Close())
}
