"""Programs that were written for other supervisors: each convention with a small worker that speaks it, and the servers
that replace themselves with the real ones from Debian. Nothing of them is changed."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from harness import LONG, TestCase, build, net, processes

UPGRADES = 30 if LONG else 3

# An HTTP server on the descriptor that LISTENER (a line of Python) names; READY says that it can serve. It accepts only
# then, is asked to drain by any of three signals, and names that.
SERVER = """
import json, os, select, signal, socket, sys, threading

listener = socket.socket(fileno=LISTENER)
listener.setblocking(False)
woken, wake = socket.socketpair()
wake.setblocking(False)
signal.set_wakeup_fd(wake.fileno())
for number in (signal.SIGTERM, signal.SIGUSR2, signal.SIGQUIT):
    signal.signal(number, lambda number, _: print("drains on", signal.Signals(number).name, flush=True))

def serve(client):
    with client:
        if client.recv(65536):
            body = f"version={os.environ['VERSION']}"
            head = f"HTTP/1.1 200 OK\\r\\nContent-Length: {len(body)}\\r\\nConnection: close"
            client.sendall(f"{head}\\r\\n\\r\\n{body}".encode())

READY
while woken not in (ready := select.select([listener, woken], [], [])[0]):
    try:
        client, _ = listener.accept()
    except BlockingIOError:
        continue
    threading.Thread(target=serve, args=[client]).start()
"""

CONFIG = """
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: {command}
    cwd: {directory}
    workers: 2
    drain: {{{drain}timeout: 20s}}
    env: {{VERSION: {version}}}
{keys}"""

EINHORN_ACK = """
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["EINHORN_SOCK_PATH"])
s.sendall(ACK)
assert s.recv(1) == b""
assert os.getppid() == int(os.environ["EINHORN_MASTER_PID"])
"""


class Case(TestCase):
    timeout_s = 3600.0 if LONG else 240.0

    def server(self, listener, ready):
        self.write("server.py", SERVER.replace("LISTENER", listener).replace("READY", ready))
        self.directory.chmod(0o755)

    def config(self, keys="", version="v1", drain="", command="[python3, -S, server.py]"):
        lines = "".join(f"    {key}\n" for key in keys.splitlines())
        return CONFIG.format(command=command, directory=self.directory, version=version, drain=drain, keys=lines)

    def prepare(self, version):
        """What a version is made of besides its environment."""

    def upgrades_under_load(self, *config, **values):
        """Rolls out v2, v3, … while clients connect; nothing of theirs may fail."""
        self.prepare("v1")
        web = self.liveswap(self.config(*config, **values), timeout=60.0)
        hammer = self.run_process(build.program("hammer"), "--mode", "close", "--connections", "8", "--seconds", "3000",
                                  "--live", "20", web.address("http"), name="hammer")
        hammer.wait_line('"v1":', 30.0, stream="out")
        for version in range(2, UPGRADES + 2):
            self.prepare(f"v{version}")
            web.configure(self.config(*config, **values, version=f"v{version}"))
            web.ctl("upgrade", status=0)
            hammer.wait_line(f'"v{version}":', 30.0, stream="out", skip=hammer.out.count())
        hammer.signal(signal.SIGTERM)
        self.assertEqual(hammer.wait(), 0, hammer.tail())
        hammer.finish_output()
        result = json.loads(hammer.out.text().splitlines()[-1])
        self.assertEqual(sum(result["failures"].values()), 0, result)
        return web


class Einhorn(Case):
    def upgraded(self, ack):
        self.server('int(os.environ["EINHORN_FD_0"])', EINHORN_ACK.replace("ACK", ack))
        web = self.upgrades_under_load("protocol: einhorn")
        web.process.wait_line("drains on SIGUSR2", 10.0, stream="out")
        self.ended_well(web)

    def test_an_ack_in_json_makes_a_worker_ready_and_usr2_drains_it(self):
        self.upgraded(r"""b'{"command":"worker:ack","pid":%d}\n' % os.getpid()""")

    def test_an_ack_in_yaml_does_as_well(self):
        self.upgraded(r"""b"---%%0Acommand: worker:ack%%0Apid: %d%%0A\n" % os.getpid()""")

    def test_a_worker_that_never_acks_leaves_the_old_one_serving(self):
        self.server('int(os.environ["EINHORN_FD_0"])', EINHORN_ACK.replace("ACK", r"""b'{command: worker:ack}\n'"""))
        web = self.liveswap(self.config("protocol: einhorn"))
        self.server("3", "")
        web.configure(self.config("protocol: einhorn\nready: {timeout: 1s}", version="v2"))
        web.ctl("upgrade", status=1)
        self.assertEqual(web.get("http").body, "version=v1")
        self.ended_well(web)

    def test_pings_keep_a_worker_with_a_watchdog_alive(self):
        self.server("3", EINHORN_ACK.replace("ACK", r"""b'{command: worker:ack}\n'""") + """
def ping():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.environ["EINHORN_SOCK_PATH"])
        s.sendall(b"{command: worker:ping, pid: 1}\\n")
        s.recv(1)

def pings():
    while not os.path.exists("silent"):
        ping()
        select.select([woken], [], [], 0.2)

threading.Thread(target=pings, daemon=True).start()
""")
        web = self.liveswap(self.config("protocol: einhorn\nwatchdog: 3s"))
        before = [worker["pid"] for worker in web.workers("ready")]
        web.ctl("wait", "--for", "ready", status=0)
        self.write("silent")
        web.wait_app(lambda app: all(worker["pid"] not in (0, *before) for worker in app["workers"]), timeout=30.0)
        web.process.wait_line("watchdog", 10.0)
        self.ended_well(web)


class ServerStarter(Case):
    LISTENER = 'int(os.environ["SERVER_STARTER_PORT"].partition("=")[2])'

    def test_a_worker_is_ready_after_a_delay_and_drains_on_term(self):
        self.server(self.LISTENER, "")
        web = self.upgrades_under_load("protocol: server-starter\nready: {delay: 300ms}")
        web.process.wait_line("drains on SIGTERM", 10.0, stream="out")
        self.ended_well(web)

    def test_the_status_file_lists_who_lives(self):
        self.server(self.LISTENER, "")
        path = self.directory / "status"
        web = self.liveswap(self.config(f"protocol: server-starter\nready: {{delay: 10ms}}\nstatus_file: {path}"))

        def expected():
            rows = sorted((int(str(worker["generation"]).lstrip("g")), worker["pid"]) for worker in web.workers())
            return "".join(f"{generation}:{pid}\n" for generation, pid in rows)

        self.wait_until(lambda: path.read_text() == expected())
        self.assertEqual(len(path.read_text().splitlines()), 2)
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.wait_until(lambda: path.read_text() == expected())
        self.assertTrue(all(line.startswith("2:") for line in path.read_text().splitlines()), path.read_text())
        self.ended_well(web)
        self.assertFalse(path.exists())


class Conventions(Case):
    def test_a_newline_on_a_descriptor_is_readiness(self):
        self.server("3", "os.write(9, b'\\n'); os.close(9)")
        self.ended_well(self.upgrades_under_load("ready: {when: fd, fd: 9}"))

    def test_a_descriptor_closed_without_a_newline_fails_the_upgrade_in_time(self):
        self.server("3", "os.write(9, b'\\n')")
        web = self.liveswap(self.config("ready: {when: fd, fd: 9}"))
        self.server("3", "os.close(9)")
        web.configure(self.config("ready: {when: fd, fd: 9, timeout: 1s}", version="v2"))
        web.ctl("upgrade", status=1)
        web.process.wait_line("closed descriptor 9 without a newline", 10.0)
        self.assertEqual(web.get("http").body, "version=v1")
        self.ended_well(web)

    def test_a_datagram_on_notify_fd_is_readiness(self):
        self.server("3", "socket.socket(fileno=int(os.environ['NOTIFY_FD'])).send(b'READY=1')")
        self.ended_well(self.upgrades_under_load("notify_fd: true"))

    def test_a_program_for_inetd_accepts_on_standard_input(self):
        self.server("0", "assert 'LISTEN_FDS' not in os.environ")
        self.ended_well(self.upgrades_under_load("stdin: http\nready: {when: delay, delay: 300ms}"))

    def test_catflap_s_variable_is_the_only_listener_s_number(self):
        self.server('int(os.environ["LISTEN_FD"])', "")
        self.ended_well(self.upgrades_under_load("ready: {when: delay, delay: 300ms}"))

    def test_without_listen_pid_a_program_behind_a_wrapper_finds_its_sockets(self):
        self.server("3", "assert os.environ['LISTEN_FDS'] == '1' and 'LISTEN_PID' not in os.environ")
        web = self.liveswap(self.config("listen_pid: off\nready: {when: delay, delay: 500ms}",
                                        command="[sh, -c, \"python3 -S server.py & wait\"]"))
        self.assertEqual(web.get("http").body, "version=v1")
        web.stop(60.0)
        self.assert_nothing_left()

    def test_circus_s_names_are_numbers(self):
        self.server("int(sys.argv[1])", "print('wid', sys.argv[2], flush=True)")
        command = "python3 -S server.py $(circus.sockets.HTTP) ((circus.wid))"
        web = self.upgrades_under_load("ready: {when: delay, delay: 300ms}", command=command)
        web.process.wait_line(r"web/1 g1 \| wid 2", 10.0, stream="out")
        self.ended_well(web)

    def test_a_worker_that_signals_its_parent_does_not_stop_the_master(self):
        self.server("3", "os.kill(os.getppid(), signal.SIGTERM); os.kill(os.getppid(), signal.SIGQUIT)")
        self.ended_well(self.upgrades_under_load("ready: {when: delay, delay: 300ms}"))

    def test_a_shell_that_kills_its_parent_does_not_stop_the_master(self):
        self.server("3", "")
        web = self.liveswap(self.config("ready: {when: delay, delay: 500ms}",
                                        command="[sh, -c, \"kill -TERM $PPID; exec python3 -S server.py\"]"))
        web.ctl("upgrade", status=0)
        self.assertEqual(web.get("http").body, "version=v1")
        self.ended_well(web)


NGINX = """
error_log stderr warn;
pid {directory}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{ listen {address}; keepalive_timeout 0; return 200 "version={version}"; }}
}}
"""

RACKUP = """
run lambda { |env|
  body = "version=#{ENV['VERSION']}"
  [200, {'content-type' => 'text/plain', 'content-length' => body.size.to_s}, [body]]
}
"""

WSGI = """
import os

def app(environ, start_response):
    body = f"version={os.environ['VERSION']}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


TABLEFLIP_SOURCE = pathlib.Path("/usr/share/gocode/src/github.com/cloudflare/tableflip")  # as Debian installs it

TABLEFLIP = """
package main

import (
    "context"
    "fmt"
    "net/http"
    "os"
    "os/signal"
    "syscall"

    "github.com/cloudflare/tableflip"
)

func check(err error) {
    if err != nil {
        panic(err)
    }
}

func main() {
    upgrader, err := tableflip.New(tableflip.Options{})
    check(err)
    listener, err := upgrader.Listen("tcp", os.Args[1])
    check(err)
    server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
        fmt.Fprintf(w, "version=%s", os.Getenv("VERSION"))
    })}
    go server.Serve(listener)
    check(upgrader.Ready())
    fmt.Println("has parent:", upgrader.HasParent(), "upgrades itself:", upgrader.Upgrade())
    term := make(chan os.Signal, 1)
    signal.Notify(term, syscall.SIGTERM)
    <-term
    server.Shutdown(context.Background())
}
"""


class InheritingServers(Case):
    """Each on a port of its own choice beforehand: what they inherit must be what their own configuration names."""

    def config(self, keys="", version="v1", drain="", command=""):
        return super().config(keys, version, drain, command).replace("127.0.0.1:0", f"127.0.0.1:{self.port}")

    def program(self, name):
        found = shutil.which(name, path="/usr/sbin:/usr/bin:/bin")
        if found is None:
            self.skipTest(f"{name} is not installed")
        self.port = net.free_port()
        self.directory.chmod(0o755)
        return found

    def inherits(self, web, text):
        """It has the master's socket, not one of its own."""
        ours = {found for found in processes.descriptors(web.pid).values() if found.startswith("socket:")}
        for worker in web.workers("ready"):
            self.assertTrue(ours & set(processes.descriptors(worker["pid"]).values()), text)

    def test_nginx(self):
        nginx = self.program("nginx")
        self.prepare = lambda version: self.write("nginx.conf", NGINX.format(
            directory=self.directory, version=version, address=f"127.0.0.1:{self.port}"))
        command = f"[{nginx}, -p, {self.directory}, -c, \"{self.directory}/nginx.conf\"]"
        web = self.upgrades_under_load("inherit_as: nginx\nready: {when: delay, delay: 500ms}", drain="signal: QUIT, ",
                                       command=command)
        self.inherits(web, "nginx")
        self.ended_well(web)

    def test_unicorn(self):
        unicorn = self.program("unicorn")
        self.write("config.ru", RACKUP)
        command = f"[{unicorn}, -l, \"127.0.0.1:{self.port}\", config.ru]"
        web = self.upgrades_under_load("inherit_as: unicorn\nready: {when: delay, delay: 3s}", drain="signal: QUIT, ",
                                       command=command)
        self.inherits(web, "unicorn")
        self.ended_well(web)

    def test_gunicorn(self):
        gunicorn = self.program("gunicorn")
        self.write("app.py", WSGI)
        command = f"[{gunicorn}, --bind, \"127.0.0.1:{self.port}\", --log-level, warning, \"app:app\"]"
        web = self.upgrades_under_load("inherit_as: gunicorn\nready: {when: delay, delay: 3s}", command=command)
        self.inherits(web, "gunicorn")
        self.ended_well(web)

    def test_puma(self):
        """Not under load: it closes some connections that it has accepted and not yet read from when it leaves."""
        puma = self.program("puma")
        self.write("config.ru", RACKUP)
        command = f"[{puma}, -b, \"tcp://127.0.0.1:{self.port}\", config.ru]"
        keys = "inherit_as: puma\nready: {when: delay, delay: 3s}"
        web = self.liveswap(self.config(keys, command=command), timeout=60.0)
        for version in range(2, UPGRADES + 2):
            web.configure(self.config(keys, f"v{version}", command=command))
            web.ctl("upgrade", "--wait", "drained", status=0)
            self.assertEqual(web.get("http").body, f"version=v{version}")
        web.process.wait_line("Inherited tcp://127", 10.0, stream="out")
        self.inherits(web, "puma")
        self.ended_well(web)

    @unittest.skipUnless(TABLEFLIP_SOURCE.is_dir(), "tableflip is not installed")
    def test_tableflip(self):
        go = self.program("go")
        self.write("gopath/src/server/main.go", TABLEFLIP)
        subprocess.run([go, "build", "-o", self.directory / "server", "server"], check=True, timeout=200, env={
            **os.environ, "GO111MODULE": "off", "GOPATH": f"{self.directory}/gopath:{TABLEFLIP_SOURCE.parents[3]}"})
        command = f"[./server, \"127.0.0.1:{self.port}\"]"
        web = self.liveswap(self.config("inherit_as: tableflip", command=command), timeout=60.0)
        for version in range(2, UPGRADES + 2):
            web.configure(self.config("inherit_as: tableflip", f"v{version}", command=command))
            web.ctl("upgrade", "--wait", "drained", status=0)
            self.assertEqual(web.get("http").body, f"version=v{version}")
        web.process.wait_line("has parent: true upgrades itself: parent hasn't exited", 10.0, stream="out")
        self.inherits(web, "tableflip")
        self.ended_well(web)
