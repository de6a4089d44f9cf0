// The `listeners:` section: forms, options, and what excludes each other.
#include <string>

#include "config/address.hpp"
#include "helpers.hpp"

using namespace liveswap::config;
using liveswap::core::Address;
using liveswap::core::SocketKind;

namespace {

const std::string kApp = "apps: {web: {command: ./s}}\n";

std::string told_of_listeners(const std::string& lines, const Facts& facts = test_facts()) {
  return told("listeners:\n" + lines + kApp, facts);
}

std::vector<liveswap::core::ListenerPlan> listeners(const std::string& lines,
                                                    const Facts& facts = test_facts(0)) {
  return plan_of("listeners:\n" + lines + kApp, facts).listeners;
}

// The address of a listener that has one only.
Address address(const std::string& text) {
  auto all = listeners("  l: \"" + text + "\"\n");
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].addresses.size() == 1);
  CHECK(all[0].addresses[0].text == text);
  return all[0].addresses[0];
}

// The reason after the quoted address.
std::string refusal(const std::string& text) {
  auto parsed = parse_address(text, "/srv");
  return parsed ? "good" : parsed.error();
}

}  // namespace

TEST_CASE("tcp and udp addresses") {
  auto tcp = address("tcp://0.0.0.0:8080");
  CHECK(tcp.kind == SocketKind::tcp);
  CHECK(tcp.host == "0.0.0.0");
  CHECK(tcp.port == 8080);
  auto udp = address("udp://[2001:db8::1]:53");
  CHECK(udp.kind == SocketKind::udp);
  CHECK(udp.host == "2001:db8::1");
  CHECK(udp.port == 53);
  CHECK(address("tcp://[fe80::1%eth0]:80").host == "fe80::1%eth0");
  CHECK(address("tcp://127.0.0.1:0").port == 0);
}

TEST_CASE("no host is one dual-stack socket") {
  auto both = address("tcp://:8080");
  CHECK(both.host == "");
  CHECK(both.port == 8080);
}

TEST_CASE("localhost is both loopback addresses, the second where it is there") {
  auto all = listeners("  l: tcp://localhost:80\n")[0].addresses;
  REQUIRE(all.size() == 2);
  CHECK(all[0].host == "127.0.0.1");
  CHECK_FALSE(all[0].if_available);
  CHECK(all[1].host == "::1");
  CHECK(all[1].if_available);
  CHECK(all[1].port == 80);
}

TEST_CASE("Unix addresses: three kinds, paths below the file's folder, abstract names") {
  auto stream = address("unix:run/x.sock");
  CHECK(stream.kind == SocketKind::unix_stream);
  CHECK(stream.path == "/home/me/run/x.sock");
  CHECK_FALSE(stream.abstract);
  CHECK(address("unix:///run//./x.sock").path == "/run/x.sock");
  auto dgram = address("unix-dgram:/run/log");
  CHECK(dgram.kind == SocketKind::unix_dgram);
  CHECK(dgram.path == "/run/log");
  auto packets = address("unix-seqpacket:@bus");
  CHECK(packets.kind == SocketKind::unix_seqpacket);
  CHECK(packets.abstract);
  CHECK(packets.path == "bus");
}

TEST_CASE("a list of addresses under one name, short and in a map") {
  auto all =
      listeners("  a: [tcp://127.0.0.1:80, \"unix:/run/a\"]\n  b:\n    address: [tcp://:81, udp://:81]\n");
  CHECK(all[0].addresses.size() == 2);
  CHECK(all[0].addresses[1].path == "/run/a");
  CHECK(all[1].addresses[1].kind == SocketKind::udp);
}

TEST_CASE("addresses that are none say what was meant") {
  CHECK(refusal("8080") == "\"8080\" is not an address (did you mean \"tcp://:8080\"?)");
  CHECK(refusal("127.0.0.1:80") ==
        "\"127.0.0.1:80\" is not an address (did you mean \"tcp://127.0.0.1:80\"?)");
  CHECK(refusal(":80") == "\":80\" is not an address (did you mean \"tcp://:80\"?)");
  CHECK(refusal("localhost:80") ==
        "\"localhost:80\" is not an address (did you mean \"tcp://localhost:80\"?)");
  CHECK(refusal("http://127.0.0.1:80") ==
        "\"http://127.0.0.1:80\" is not an address (did you mean \"tcp://127.0.0.1:80\"?)");
  CHECK(refusal("tcp:127.0.0.1:80") ==
        "\"tcp:127.0.0.1:80\" is not an address (did you mean \"tcp://127.0.0.1:80\"?)");
  CHECK(refusal("/run/x") == "\"/run/x\" is not an address (did you mean \"unix:/run/x\"?)");
  CHECK(refusal("@bus") == "\"@bus\" is not an address (did you mean \"unix:@bus\"?)");
  CHECK(refusal("web") ==
        "\"web\" is not an address: write tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, "
        "unix-dgram:PATH or unix-seqpacket:PATH");
}

TEST_CASE("hosts and ports that are none say why") {
  CHECK(refusal("tcp://example.com:80") ==
        "\"tcp://example.com:80\" has the host \"example.com\", which is not a numeric address: names are "
        "not looked "
        "up (but localhost is known)");
  CHECK(refusal("tcp://::1:80") == "\"tcp://::1:80\" has an IPv6 address without brackets: write [::1]:80");
  CHECK(refusal("tcp://*:80") ==
        "\"tcp://*:80\" has * for a host: leave the host out for all addresses, as in tcp://:80");
  CHECK(refusal("tcp://[127.0.0.1]:80") ==
        "\"tcp://[127.0.0.1]:80\" has \"127.0.0.1\" in brackets, which is not an IPv6 address");
  CHECK(refusal("tcp://[localhost]:80") ==
        "\"tcp://[localhost]:80\" has \"localhost\" in brackets, which is not an IPv6 address");
  CHECK(refusal("tcp://[::1%lo]:80") ==
        "\"tcp://[::1%lo]:80\" has \"::1%lo\" in brackets, which is not an IPv6 address");
  CHECK(refusal("tcp://127.0.0.1") == "\"tcp://127.0.0.1\" has no port: write …:80");
  CHECK(refusal("tcp://[::1]") == "\"tcp://[::1]\" has no port: write …:80");
  CHECK(refusal("tcp://[::1:80") == "\"tcp://[::1:80\" lacks the ] of its address");
  CHECK(refusal("tcp://[::1]x:80") == "\"tcp://[::1]x:80\" has something between ] and the port");
  CHECK(refusal("tcp://127.1:80") ==
        "\"tcp://127.1:80\" has the host \"127.1\", which is not a numeric address: names are not looked up "
        "(but "
        "localhost is known)");
  CHECK(refusal("tcp://:65536") == "\"tcp://:65536\" has the port \"65536\": 0 to 65535 are ports");
  CHECK(refusal("tcp://:http") == "\"tcp://:http\" has the port \"http\": 0 to 65535 are ports");
  CHECK(refusal("tcp://:") == "\"tcp://:\" has the port \"\": 0 to 65535 are ports");
  CHECK(refusal("tcp://:-1") == "\"tcp://:-1\" has the port \"-1\": 0 to 65535 are ports");
  CHECK(refusal("unix:") == "\"unix:\" has no path");
  CHECK(refusal("unix:@") == "\"unix:@\" has no path");
  for (std::string folder : {"unix:/", "unix:/run/", "unix:.", "unix:/run/.", "unix:run/.."}) {
    CHECK(refusal(folder) == "\"" + folder + "\" names a folder, not a socket in it");
  }
}

TEST_CASE("a Unix path has the kernel's limit, as an absolute path") {
  CHECK(refusal("unix:/" + std::string(106, 'x')) == "good");
  CHECK(refusal("unix:" + std::string(103, 'x'))
            .ends_with("is too long: 108 bytes as an absolute path, and the kernel "
                       "takes 107"));
  CHECK(refusal("unix:@" + std::string(107, 'x')) == "good");
}

TEST_CASE("each option is read") {
  auto all = listeners(R"(
  t:
    address: "tcp://[::]:80"
    backlog: 100
    v6only: yes
    nonblock: on
    reuseport: true
    freebind: true
    transparent: true
    nodelay: true
    keepalive: no
    defer_accept: 3s
    fastopen: 16
    mark: 0x10
    interface: eth0
    rcvbuf: 65536
    sndbuf: 131072
    tos: 0xb8
  u:
    address: unix:/run/u
    mode: 0600
    user: www
    group: ops
)");
  const auto& t = all[0].options;
  CHECK(t.backlog == 100);
  CHECK(t.v6only);
  CHECK(t.nonblock);
  CHECK(t.reuseport);
  CHECK(t.freebind);
  CHECK(t.transparent);
  CHECK(t.nodelay == true);
  CHECK(t.keepalive == false);
  CHECK(t.defer_accept == std::chrono::seconds(3));
  CHECK(t.fastopen == 16);
  CHECK(t.mark == 16U);
  CHECK(t.interface == "eth0");
  CHECK(t.rcvbuf == 65536);
  CHECK(t.sndbuf == 131072);
  CHECK(t.tos == 184);
  const auto& u = all[1].options;
  CHECK(u.mode == 0600U);
  CHECK(u.user == "www");
  CHECK(u.group == "ops");
}

TEST_CASE("what is left out stays with the kernel") {
  CHECK(listeners("  l: {address: tcp://:80}\n")[0].options == liveswap::core::SocketOptions{});
}

TEST_CASE("modes are octal, quoted or not") {
  for (std::string mode : {"660", "0660", "\"660\"", "'0660'", "0o660"}) {
    CHECK(listeners("  l: {address: unix:/run/u, mode: " + mode + "}\n")[0].options.mode == 0660U);
  }
  CHECK(told_of_listeners("  l: {address: unix:/run/u, mode: 0888}\n") ==
        "web.yaml:2:35: listeners.l.mode: \"0888\" is not a mode: write it octal, as 0660 (at most 0777)\n"
        "    l: {address: unix:/run/u, mode: 0888}\n"
        "                                    ^\n");
}

TEST_CASE("an option that fits none of the addresses is an error") {
  CHECK(told_of_listeners("  t: {address: tcp://:80, mode: 0660}\n") ==
        "web.yaml:2:33: listeners.t.mode: is for Unix sockets with a path\n"
        "    t: {address: tcp://:80, mode: 0660}\n"
        "                                  ^\n");
  auto reason = [](const std::string& address, const std::string& option) {
    auto text = told_of_listeners("  l: {address: \"" + address + "\", " + option + "}\n");
    auto first = text.substr(0, text.find('\n'));
    return first.substr(std::min(first.find("listeners.l."), first.size()));
  };
  CHECK(reason("udp://:80", "backlog: 5") ==
        "listeners.l.backlog: is for sockets that accept: tcp, unix and unix-seqpacket");
  CHECK(reason("unix-dgram:/run/x", "backlog: 5") ==
        "listeners.l.backlog: is for sockets that accept: tcp, unix and unix-seqpacket");
  CHECK(reason("udp://:80", "nodelay: true") == "listeners.l.nodelay: is for tcp");
  CHECK(reason("unix:/run/x", "keepalive: true") == "listeners.l.keepalive: is for tcp");
  CHECK(reason("udp://:80", "defer_accept: 1s") == "listeners.l.defer_accept: is for tcp");
  CHECK(reason("unix:/run/x", "fastopen: 5") == "listeners.l.fastopen: is for tcp");
  for (std::string option :
       {"freebind: true", "transparent: true", "mark: 1", "interface: lo", "tos: 1", "reuseport: true"}) {
    auto key = option.substr(0, option.find(':'));
    CHECK(reason("unix:/run/x", option) == "listeners.l." + key + ": is for tcp and udp");
  }
  CHECK(reason("tcp://0.0.0.0:80", "v6only: true") ==
        "listeners.l.v6only: is for IPv6 addresses, as tcp://[::]:80");
  CHECK(reason("tcp://:80", "v6only: true") == "listeners.l.v6only: is for IPv6 addresses, as tcp://[::]:80");
  CHECK(reason("unix:@x", "mode: 0600") == "listeners.l.mode: is for Unix sockets with a path");
  CHECK(reason("unix:/run/x", "rcvbuf: 5000") == "");
  CHECK(reason("unix-dgram:/run/x", "nonblock: true") == "");
}

TEST_CASE("an option that fits one of several addresses is for that one") {
  CHECK(told_of_listeners("  l: {address: [tcp://:80, \"unix:/run/x\"], mode: 0600}\n") == "");
}

TEST_CASE("bad values of options, all at once") {
  CHECK(told_of_listeners("  l:\n    address: tcp://:80\n    backlog: many\n    nodelay: maybe\n"
                          "    defer_accept: 1500ms\n    tos: 256\n    interface: a/b\n    rcvbuf: -1\n") ==
        "web.yaml:4:14: listeners.l.backlog: \"many\" is not a number from 1 to 2147483647\n"
        "      backlog: many\n"
        "               ^\n"
        "web.yaml:5:14: listeners.l.nodelay: \"maybe\" is not one of true, false, yes, no, on, off\n"
        "      nodelay: maybe\n"
        "               ^\n"
        "web.yaml:6:19: listeners.l.defer_accept: the kernel knows whole seconds only\n"
        "      defer_accept: 1500ms\n"
        "                    ^\n"
        "web.yaml:7:10: listeners.l.tos: \"256\" is not a number from 0 to 255 (or 0x0 to 0xff)\n"
        "      tos: 256\n"
        "           ^\n"
        "web.yaml:8:16: listeners.l.interface: \"a/b\" is not the name of a network interface\n"
        "      interface: a/b\n"
        "                 ^\n"
        "web.yaml:9:13: listeners.l.rcvbuf: \"-1\" is not a number from 1 to 2147483647\n"
        "      rcvbuf: -1\n"
        "              ^\n");
}

TEST_CASE("a backlog that the kernel would cut is a warning") {
  CHECK(told_of_listeners("  l: {address: tcp://:80, backlog: 5000}\n") ==
        "web.yaml:2:36: warning: listeners.l.backlog: the kernel cuts it to net.core.somaxconn, 4096\n"
        "    l: {address: tcp://:80, backlog: 5000}\n"
        "                                     ^\n");
}

TEST_CASE("owners of a path need the right to be given it") {
  CHECK(told_of_listeners("  l: {address: unix:/run/x, user: www, group: www}\n") ==
        "web.yaml:2:35: listeners.l.user: only root can give a path to user \"www\"\n"
        "    l: {address: unix:/run/x, user: www, group: www}\n"
        "                                    ^\n"
        "web.yaml:2:47: listeners.l.group: only root or a member can give a path to group \"www\"\n"
        "    l: {address: unix:/run/x, user: www, group: www}\n"
        "                                                ^\n");
  CHECK(told_of_listeners("  l: {address: unix:/run/x, user: me, group: ops}\n") == "");
}

TEST_CASE("wrong types of listeners") {
  CHECK(told("listeners: [tcp://:80]\n" + kApp) ==
        "web.yaml:1:12: listeners: a map of keys is needed here, not a list\n"
        "  listeners: [tcp://:80]\n"
        "             ^\n");
  CHECK(told_of_listeners("  http:\n") ==
        "web.yaml:2:3: listeners.http: a value is missing\n"
        "    http:\n"
        "    ^\n");
  CHECK(told_of_listeners("  http: {backlog: 5}\n") ==
        "web.yaml:2:3: listeners.http: an address is needed\n"
        "    http: {backlog: 5}\n"
        "    ^\n");
  CHECK(told_of_listeners("  http: []\n") ==
        "web.yaml:2:9: listeners.http: at least one address is needed\n"
        "    http: []\n"
        "          ^\n");
  CHECK(
      told_of_listeners("  http: [{address: tcp://:80}]\n") ==
      "web.yaml:2:10: listeners.http: an address is needed here, not a map: quote what holds \": \" or { }\n"
      "    http: [{address: tcp://:80}]\n"
      "           ^\n");
}

TEST_CASE("names of listeners") {
  CHECK(told_of_listeners("  \"a b\": tcp://:80\n  -x: tcp://:81\n  a.b_C-1: tcp://:82\n") ==
        "web.yaml:2:3: listeners: \"a b\" is not a name: 1 to 64 letters, digits, dots, underscores and "
        "hyphens, the "
        "first a letter or digit\n"
        "    \"a b\": tcp://:80\n"
        "    ^\n"
        "web.yaml:3:3: listeners: \"-x\" is not a name: 1 to 64 letters, digits, dots, underscores and "
        "hyphens, the "
        "first a letter or digit\n"
        "    -x: tcp://:81\n"
        "    ^\n");
}

TEST_CASE("two listeners on one address name each other") {
  CHECK(told_of_listeners("  a: tcp://0.0.0.0:80\n  b: tcp://0.0.0.0:80\n") ==
        "web.yaml:3:6: listeners.b: \"tcp://0.0.0.0:80\" and \"tcp://0.0.0.0:80\" of listener \"a\" (line 2) "
        "exclude "
        "each other: it is the same address\n"
        "    b: tcp://0.0.0.0:80\n"
        "       ^\n");
}

TEST_CASE("what the kernel would not bind beside each other is found before it is tried") {
  auto clash = [](const std::string& a, const std::string& b, const std::string& options = "") {
    auto text = told_of_listeners("  a: {address: \"" + a + "\"" + options + "}\n  b: {address: \"" + b +
                                  "\"" + options + "}\n");
    auto colon = text.find("exclude each other: ");
    return colon == std::string::npos ? text : text.substr(colon + 20, text.find('\n') - colon - 20);
  };
  const std::string same = "it is the same address";
  const std::string all = "one of them is for all addresses and takes the port of the other";
  const std::string dual =
      "one of them answers to IPv4 and IPv6: write 0.0.0.0, and [::] with v6only: true, to keep "
      "them apart";
  CHECK(clash("tcp://[::1]:80", "tcp://[0:0:0:0:0:0:0:1]:80") == same);
  CHECK(clash("tcp://127.0.0.1:80", "tcp://[::ffff:127.0.0.1]:80") == same);
  CHECK(clash("tcp://:80", "tcp://[::]:80") == same);
  CHECK(clash("tcp://localhost:80", "tcp://[::1]:80") == same);
  CHECK(clash("tcp://0.0.0.0:80", "tcp://127.0.0.1:80") == all);
  CHECK(clash("udp://0.0.0.0:80", "udp://127.0.0.1:80") == all);
  CHECK(clash("tcp://:80", "tcp://127.0.0.1:80") == all);
  CHECK(clash("tcp://:80", "tcp://[::1]:80") == all);
  CHECK(clash("tcp://[::]:80", "tcp://0.0.0.0:80") == dual);
  CHECK(clash("tcp://[::]:80", "tcp://[::1]:80", ", v6only: true") == all);
  CHECK(clash("unix:/run/x", "unix-dgram:/run/./x") == same);
  CHECK(clash("unix:@x", "unix:@x") == same);
  CHECK(clash("tcp://0.0.0.0:80", "tcp://0.0.0.0:80", ", reuseport: true") == same);

  CHECK(clash("tcp://127.0.0.1:80", "udp://127.0.0.1:80") == "");
  CHECK(clash("tcp://127.0.0.1:80", "tcp://127.0.0.2:80") == "");
  CHECK(clash("tcp://0.0.0.0:80", "tcp://[::1]:80") == "");
  CHECK(clash("tcp://127.0.0.1:0", "tcp://127.0.0.1:0") == "");
  CHECK(clash("tcp://0.0.0.0:80", "tcp://127.0.0.1:80", ", reuseport: true") == "");
  CHECK(clash("unix:@x", "unix-seqpacket:@x") == "");
  CHECK(clash("unix:@run/x", "unix:/run/x") == "");
  CHECK(clash("tcp://[fe80::1%eth0]:80", "tcp://[fe80::1%eth1]:80") == "");
}

TEST_CASE("v6only keeps the families apart") {
  CHECK(told_of_listeners("  a: tcp://0.0.0.0:80\n  b: {address: \"tcp://[::]:80\", v6only: true}\n") == "");
}

TEST_CASE("two interfaces do not exclude each other") {
  CHECK(told_of_listeners(
            "  a: {address: tcp://:80, interface: a}\n  b: {address: tcp://:80, interface: b}\n") == "");
}

TEST_CASE("addresses of one listener exclude each other, too") {
  CHECK(told_of_listeners("  a: [tcp://:80, tcp://:80]\n") ==
        "web.yaml:2:18: listeners.a: \"tcp://:80\" and \"tcp://:80\" of listener \"a\" (line 2) exclude each "
        "other: it is "
        "the same address\n"
        "    a: [tcp://:80, tcp://:80]\n"
        "                   ^\n");
}

TEST_CASE("the control socket is no listener") {
  CHECK(told("control: {socket: run/c}\nlisteners: {a: unix:run/c}\n" + kApp) ==
        "web.yaml:2:16: listeners.a: \"/home/me/run/c\" is the control socket\n"
        "  listeners: {a: unix:run/c}\n"
        "                 ^\n");
}

TEST_CASE("a listener that no app lists is a warning") {
  CHECK(told("listeners: {a: tcp://:80, b: tcp://:81}\napps: {web: {command: ./s, listeners: [a]}}\n") ==
        "web.yaml:1:27: warning: listeners.b: no app lists it: nobody accepts on it\n"
        "  listeners: {a: tcp://:80, b: tcp://:81}\n"
        "                            ^\n");
}

TEST_CASE("too many sockets are refused before each is compared with each") {
  std::string lines;
  for (int i = 0; i < 1001; ++i)
    lines += "  l" + std::to_string(i) + ": tcp://127.0.0.1:" + std::to_string(i) + "\n";
  CHECK(told_of_listeners(lines).starts_with("web.yaml:1002:10: listeners: more than 1000 sockets\n"));
}

TEST_CASE("an address's text is what reads as it again") {
  for (std::string text : {"tcp://:80", "tcp://0.0.0.0:80", "tcp://[::1]:80", "udp://127.0.0.1:53",
                           "unix:/run/x", "unix-dgram:@x", "unix-seqpacket:/run/x"}) {
    CHECK(text_of(parse_address(text, "/")->front()) == text);
  }
}
