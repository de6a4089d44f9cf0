// How workers find their sockets, besides `listeners:`.
#include <csignal>
#include <string>

#include "config/describe.hpp"
#include "config/descriptors.hpp"
#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

const std::string kHead =
    "listeners:\n  http: tcp://:80\n  api: unix:/run/api.sock\n  two: [tcp://127.0.0.1:81, tcp://127.0.0.1:82]\n"
    "apps:\n  web:\n    command: ./s\n";

core::AppPlan app_of(const std::string& keys) { return plan_of(kHead + keys).apps[0]; }

// The first error without its place's line and caret.
std::string complaint(const std::string& keys) {
  const auto text = told(kHead + keys);
  return text.substr(0, text.find('\n'));
}

std::string numbers(const std::string& keys) {
  const auto plan = plan_of(kHead + keys);
  std::string out;
  for (const auto& descriptor : descriptors_of(plan.listeners, plan.apps[0])) {
    out += std::to_string(descriptor.number) + "=" + descriptor.listener + " ";
  }
  for (const auto& extra : extra_descriptors_of(plan.listeners, plan.apps[0])) {
    out += std::to_string(extra.number) + "=" + extra.meaning + " ";
  }
  return out;
}

}  // namespace

TEST_CASE("each protocol has its default for ready and drain") {
  const auto einhorn = app_of("    protocol: einhorn\n");
  CHECK(einhorn.ready.when == core::ReadyWhen::notify);
  CHECK(einhorn.policy.drain_by_signal);
  CHECK(einhorn.policy.drain_signal == SIGUSR2);
  CHECK(app_of("    protocol: einhorn\n    drain: {signal: QUIT}\n").policy.drain_signal == SIGQUIT);
  CHECK(app_of("    protocol: einhorn\n    ready: {when: delay}\n").ready.when == core::ReadyWhen::delay);
  const auto starter = app_of("    protocol: server-starter\n");
  CHECK(starter.ready.when == core::ReadyWhen::delay);
  CHECK(starter.ready.delay == std::chrono::seconds(1));
  CHECK(starter.policy.drain_signal == SIGTERM);
  CHECK(app_of("    protocol: server-starter\n    ready: {when: notify}\n").ready.when == core::ReadyWhen::notify);
}

TEST_CASE("a listener on standard input is not among the others unless it is listed") {
  CHECK(numbers("    stdin: api\n") == "0=api 3=http 4=two 5=two ");
  CHECK(numbers("    stdin: api\n    listeners: [api]\n") == "0=api 3=api ");
  CHECK(numbers("    stdin: api\n    listeners: []\n") == "0=api ");
  CHECK(plan_of("listeners: {a: tcp://:80}\napps: {web: {command: ./s, stdin: a}}\n").apps[0].listeners.empty());
  CHECK(told("listeners: {a: tcp://:80}\napps: {web: {command: ./s, stdin: a}, b: {command: ./b}}\n") == "");
  CHECK(complaint("    stdin: apy\n") ==
        "web.yaml:8:12: apps.web.stdin: there is no listener \"apy\" (did you mean \"api\"?)");
  CHECK(complaint("    stdin: two\n") ==
        "web.yaml:8:12: apps.web.stdin: listener \"two\" has 2 sockets, and standard input is one");
}

TEST_CASE("the number of a listener on standard input is known to commands") {
  const auto text = "listeners: {a: tcp://:80}\napps: {web: {command: \"./s ${fd:a}\", stdin: a, listeners: ";
  CHECK(describe(plan_of(std::string(text) + "[]}}\n"), test_facts()).contains("command     ./s 0\n"));
  CHECK(describe(plan_of(std::string(text) + "[a]}}\n"), test_facts()).contains("command     ./s 3\n"));
}

TEST_CASE("what a worker speaks with the master by comes after its listeners") {
  CHECK(numbers("    listeners: [two]\n    protocol: native\n    notify_fd: true\n") ==
        "3=two 4=two 5=the channel 6=notifications (NOTIFY_FD) ");
  CHECK(numbers("    listeners: [http]\n    protocol: einhorn\n    ready: {when: fd, fd: 9}\n") ==
        "3=http 4=einhorn's command socket (EINHORN_SOCK_FD), connected 9=readiness: a newline ");
  CHECK(numbers("    listeners: [http]\n    inherit_as: tableflip\n    notify_fd: on\n") ==
        "5=http 3=tableflip's pipe to say ready on 4=tableflip's pipe with the names of the listeners "
        "6=notifications (NOTIFY_FD) ");
  CHECK(numbers("    listeners: [http]\n    inherit_as: ecdysis\n") ==
        "3=http 4=ecdysis' pipe with the names of the listeners (ECDYSIS_RUST_PIPE_FDS) "
        "5=ecdysis' pipe to say ready on (ECDYSIS_RUST_PIPE_READY) ");
}

TEST_CASE("the number for a newline must be free") {
  CHECK(app_of("    ready: {when: fd, fd: 7}\n").ready.fd == 7);
  CHECK(app_of("    listeners: []\n    ready: {when: fd, fd: 3}\n").ready.fd == 3);
  CHECK(complaint("    ready: {when: fd, fd: 6}\n    listeners: [http, two]\n    protocol: native\n") ==
        "web.yaml:8:27: apps.web.ready.fd: 6 is taken: the channel");
  CHECK(complaint("    ready: {when: fd, fd: 4}\n    listeners: [http, two]\n") ==
        "web.yaml:8:27: apps.web.ready.fd: 4 is taken: listener \"two\"");
  CHECK(complaint("    ready: {when: fd, fd: 3}\n    listeners: []\n    notify_fd: yes\n") ==
        "web.yaml:8:27: apps.web.ready.fd: 3 is taken: notifications (NOTIFY_FD)");
  CHECK(complaint("    ready: {when: fd, fd: 3}\n    protocol: node\n") ==
        "web.yaml:8:27: apps.web.ready.fd: 3 is taken: Node's channel (NODE_CHANNEL_FD)");
  CHECK(complaint("    ready: {when: fd, fd: 2}\n") ==
        "web.yaml:8:27: apps.web.ready.fd: \"2\" is not a number from 3 to 65535");
  CHECK(complaint("    ready: {when: fd}\n") == "web.yaml:8:19: apps.web.ready.when: needs an fd: beside it");
  CHECK(complaint("    ready: {fd: 9}\n") == "web.yaml:8:17: apps.web.ready.fd: goes with when: fd only");
}

TEST_CASE("who inherits needs something to inherit") {
  CHECK(app_of("    inherit_as: nginx\n").inherit_as == core::InheritAs::nginx);
  CHECK(complaint("    inherit_as: apache\n") ==
        "web.yaml:8:17: apps.web.inherit_as: \"apache\" is not one of nginx, unicorn, gunicorn, puma, tableflip, "
        "ecdysis");
  CHECK(complaint("    inherit_as: puma\n    listeners: []\n") ==
        "web.yaml:8:17: apps.web.inherit_as: needs listeners: there is nothing to inherit");
  CHECK(complaint("    inherit_as: puma\n    protocol: node\n") ==
        "web.yaml:8:17: apps.web.inherit_as: a node worker is handed no descriptors, so there is nothing to inherit");
}

TEST_CASE("nginx inherits non-blocking listeners, since it takes them for such") {
  const std::string apps = "apps: {web: {command: nginx, listeners: [http], inherit_as: ";
  const auto plan = [&](const std::string& options, const std::string& server) {
    return plan_of("listeners: {http: {address: tcp://:80" + options + "}, api: tcp://:81}\n" + apps + server + "}}\n");
  };
  CHECK(plan("", "nginx").listeners[0].options.nonblock);
  CHECK(plan(", nonblock: true", "nginx").listeners[0].options.nonblock);
  CHECK_FALSE(plan("", "nginx").listeners[1].options.nonblock);
  CHECK_FALSE(plan("", "puma").listeners[0].options.nonblock);
  const auto text = told("listeners: {http: {address: tcp://:80, nonblock: false}}\n" + apps + "nginx}}\n");
  CHECK(text.starts_with("web.yaml:1:13: listeners.http: nonblock: false is not for apps.web, with inherit_as: nginx, "
                         "which would wait in accept(2) and do nothing else\n"));
}

TEST_CASE("a status file goes with server-starter") {
  CHECK(app_of("    protocol: server-starter\n    status_file: run/status\n").status_file == "/home/me/run/status");
  CHECK(complaint("    status_file: /run/status\n") ==
        "web.yaml:8:18: apps.web.status_file: goes with protocol: server-starter only");
}

TEST_CASE("a description has all descriptors in order") {
  const auto text = describe(plan_of(
      kHead + "    listeners: [http]\n    stdin: api\n    protocol: einhorn\n    ready: {when: fd, fd: 9}\n"
              "    inherit_as: tableflip\n"), test_facts());
  CHECK(text.contains("  protocol    einhorn\n"
                      "  inherit_as  tableflip\n"
                      "  ready       when the worker writes a newline to descriptor 9, within 30s\n"
                      "  drain       SIGUSR2, then at most 1m\n"));
  CHECK(text.contains("  descriptors 0  api   unix:/run/api.sock\n"
                      "              1, 2  the master's output, each line labelled\n"
                      "              3  tableflip's pipe to say ready on\n"
                      "              4  tableflip's pipe with the names of the listeners\n"
                      "              5  http  tcp://:80 (IPv4 and IPv6)\n"
                      "              6  einhorn's command socket (EINHORN_SOCK_FD), connected\n"
                      "              9  readiness: a newline\n"));
}
