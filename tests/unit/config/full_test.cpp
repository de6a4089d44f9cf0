// One file with every key, and the plan that it is.
#include <csignal>
#include <set>
#include <string>

#include "config/keys.hpp"
#include "config/scalars.hpp"
#include "config/yaml_reader.hpp"
#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

constexpr std::string_view kEverything = R"(# every key there is
name: web
runtime_dir: /run/liveswap/web
state_dir: /var/lib/liveswap/web
control:
  socket: /run/liveswap/web/control.sock
  observers: {users: [me], groups: [ops]}
  operators: {users: [www], groups: [ops]}
  admins: {users: [me], groups: [me]}
serve:
  haproxy: /run/liveswap/web/haproxy.sock
  uwsgi: /run/liveswap/web/zerg.sock
  multibinder: {socket: /run/liveswap/web/multibinder.sock, allow_bind: tcp://127.0.0.1:81}
log: {level: warn, format: json}
shutdown: {delay: 1s, timeout: 2m}
start: {on_failure: retry}
x-limits: &limits {nofile: 65536, core: "0:infinity"}
listeners:
  http: tcp://0.0.0.0:8080
  https:
    address: "tcp://[::]:8443"
    backlog: 4096
    nonblock: true
    nodelay: true
    keepalive: true
    defer_accept: 2s
    fastopen: 16
    freebind: true
    transparent: true
    mark: 7
    interface: eth0
    rcvbuf: 4096
    sndbuf: 8192
    handoff: steered
    queues: per-worker
    match: "tcp://[::1]:8443"
    reuseport: true
    tos: 16
    v6only: true
  admin: {address: unix:/run/web/admin.sock, mode: 0640, user: www, group: www}
apps:
  web:
    command: [./server, --fd, "${fd:http}"]
    target: /srv/web/current
    cwd: ${target}
    workers: 4
    listeners: [http, https, admin]
    protocol: systemd
    ready: {when: command, command: ./ok.sh, interval: 500ms, timeout: 20s}
    on_message: [./told.sh, "${slot}"]
    hooks: {pre_upgrade: ./pull.sh --fast, timeout: 90s}
    drain: {signal: QUIT, timeout: 45s, idle: 5s}
    stop: {signal: INT, timeout: 5s}
    restart: {delay: 1s, max_delay: 10s, reset_after: 2m, limit: {burst: 5, interval: 1m}}
    upgrade: {max_surge: 50%, max_unavailable: 1, max_draining: 3}
    user: www
    group: www
    pass_env: [PATH]
    env_file: /etc/web/env
    env: {PORT: 8080, LEGACY: no}
    limits: *limits
    output: inherit
    watchdog: 30s
  slow:
    command: ./slow
    protocol: server-starter
    status_file: /run/slow.status
    inherit_as: puma
    listeners: [http]
    stdin: admin
    listen_pid: off
    notify_fd: on
    ready: {when: delay, delay: 3s}
  node:
    command: node server.js
    protocol: node
    drain: {message: shutdown}
    allow_bind: tcp://:81
    on_demand_max: 7
    ready: {when: fd, fd: 9}
  bound:
    command: ./anything
    protocol: bind
    listeners: []
    bind_by: seccomp
    io_uring: deny
)";

constexpr std::string_view kFlowStyle = R"(name: web
runtime_dir: /run/liveswap/web
state_dir: /var/lib/liveswap/web
control:
  socket: /run/liveswap/web/control.sock
  observers: {groups: [ops]}
  operators: {users: [me], groups: [ops]}
  admins: {}
log: {level: info, format: text}
shutdown: {delay: 0s, timeout: 60s}
start: {on_failure: exit}
listeners:
  http:  tcp://0.0.0.0:8080
  https: {address: "tcp://[::]:8443", backlog: 4096, v6only: true}
  admin: {address: "unix:/run/web/admin.sock", mode: 0660, user: www, group: www}
  bus:   "unix-seqpacket:@bus"
  dns:   udp://127.0.0.1:5353
apps:
  web:
    command: [./server, --fd, "${fd:http}"]
    target: /srv/web/current
    cwd: "${target}"
    workers: 4
    listeners: [http, https]
    protocol: systemd
    ready: {when: notify, timeout: 30s}
    drain: {signal: TERM, timeout: 60s, idle: off}
    stop:  {signal: TERM, timeout: 10s}
    restart: {delay: 100ms, max_delay: 30s, reset_after: 60s}
    upgrade: {max_surge: 100%, max_unavailable: 0, max_draining: 4}
    user: www
    group: www
    pass_env: [PATH, "DB_*"]
    env_file: /etc/web/env
    env: {PORT: 8080, LEGACY: no}
    limits: {nofile: 65536, core: "0:infinity"}
    output: prefix
    watchdog: 30s
)";

core::AppPlan expected_web() {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  core::AppPlan web{.name = "web"};
  web.command = {"./server", "--fd", "${fd:http}"};
  web.target = "/srv/web/current";
  web.cwd = "${target}";
  web.listeners = {"http", "https", "admin"};
  web.ready = {core::ReadyWhen::command, seconds(1), milliseconds(500), {"./ok.sh"}};
  web.policy.workers = 4;
  web.policy.ready_timeout = seconds(20);
  web.policy.drain_timeout = seconds(45);
  web.policy.drain_idle = seconds(5);
  web.policy.stop_timeout = seconds(5);
  web.policy.drain_signal = SIGQUIT;
  web.policy.stop_signal = SIGINT;
  web.policy.restart_delay = seconds(1);
  web.policy.restart_max_delay = seconds(10);
  web.policy.restart_reset_after = seconds(120);
  web.policy.restart_limit = core::RestartLimit{5, seconds(60)};
  web.policy.max_surge = {50, true};
  web.policy.max_unavailable = {1, false};
  web.policy.max_draining = 3;
  web.policy.watchdog = seconds(30);
  web.user = web.group = "www";
  web.pass_env = {core::PassEnv::Kind::some, {"PATH"}};
  web.env_files = {{"/etc/web/env", false}};
  web.on_message = {"./told.sh", "${slot}"};
  web.hooks = {{"./pull.sh", "--fast"}, seconds(90)};
  web.env = {{"PORT", "8080"}, {"LEGACY", "no"}};
  web.limits = {*parse_limit("nofile", "65536"), *parse_limit("core", "0:infinity")};
  web.policy.leaving = core::Leaving::asked_when_starved;
  web.output = core::Output::inherit;
  return web;
}

std::vector<core::ListenerPlan> expected_listeners() {
  core::ListenerPlan http{.name = "http",
                          .addresses = {{.host = "0.0.0.0", .port = 8080, .text = "tcp://0.0.0.0:8080"}},
                          .options = {}};
  core::ListenerPlan https{
      .name = "https", .addresses = {{.host = "::", .port = 8443, .text = "tcp://[::]:8443"}}, .options = {}};
  auto& options = https.options;
  options.backlog = 4096;
  options.nonblock = options.freebind = options.transparent = options.reuseport = options.v6only = true;
  options.nodelay = options.keepalive = true;
  options.defer_accept = std::chrono::seconds(2);
  options.fastopen = 16;
  options.mark = 7;
  options.interface = "eth0";
  options.rcvbuf = 4096;
  options.sndbuf = 8192;
  https.handoff = core::Handoff::steered;
  https.queues = core::Queues::per_worker;
  https.match = {{.host = "::1", .port = 8443, .text = "tcp://[::1]:8443"}};
  options.tos = 16;
  core::ListenerPlan admin{.name = "admin",
                           .addresses = {{.kind = core::SocketKind::unix_stream,
                                          .path = "/run/web/admin.sock",
                                          .text = "unix:/run/web/admin.sock"}},
                           .options = {}};
  admin.options.mode = 0640;
  admin.options.user = admin.options.group = "www";
  return {http, https, admin};
}

// Whether the key of the table stands somewhere in the text, at its depth.
void collect(const Node& node, const std::string& path, std::set<std::string>& seen) {
  for (const auto& entry : node.entries) {
    bool named = path == "listeners" || path == "apps";
    auto child = (path.empty() ? "" : path + ".") + (named ? "*" : entry.key);
    seen.insert(child);
    collect(entry.value, child, seen);
  }
}

}  // namespace

TEST_CASE("a file with every key is the plan that it says") {
  auto loaded = load_text("/etc/liveswap/any.yaml", std::string(kEverything), test_facts(0));
  if (!loaded) FAIL(render(loaded.error()));
  CHECK(render(loaded->warnings) == "");
  const auto& plan = loaded->plan;
  CHECK(plan.serve == core::ServePlan{"/run/liveswap/web/haproxy.sock", "/run/liveswap/web/zerg.sock",
                                      core::MultibinderPlan{"/run/liveswap/web/multibinder.sock",
                                                            {{.host = "127.0.0.1", .port = 81,
                                                              .text = "tcp://127.0.0.1:81"}}}});
  CHECK(plan.name == "web");
  CHECK(plan.file == "/etc/liveswap/any.yaml");
  CHECK(plan.runtime_dir == "/run/liveswap/web");
  CHECK(plan.state_dir == "/var/lib/liveswap/web");
  CHECK(plan.control ==
        core::ControlPlan{
            "/run/liveswap/web/control.sock", {{"me"}, {"ops"}}, {{"www"}, {"ops"}}, {{"me"}, {"me"}}});
  CHECK(plan.log_level == core::LogLevel::warn);
  CHECK(plan.log_format == core::LogFormat::json);
  CHECK(plan.shutdown == core::ShutdownPolicy{std::chrono::seconds(1), std::chrono::minutes(2)});
  CHECK(plan.on_start_failure == core::OnStartFailure::retry);
  CHECK(plan.listeners == expected_listeners());
  REQUIRE(plan.apps.size() == 4);
  CHECK(plan.apps[0] == expected_web());
  const auto& slow = plan.apps[1];
  CHECK(slow.ready.delay == std::chrono::seconds(3));
  CHECK(slow.status_file == "/run/slow.status");
  CHECK(slow.inherit_as == core::InheritAs::puma);
  CHECK(slow.stdin_listener == "admin");
  CHECK_FALSE(slow.listen_pid);
  CHECK(slow.notify_fd);
  const auto& node = plan.apps[2];
  CHECK(node.drain_message == "shutdown");
  CHECK(node.allow_bind.size() == 1);
  CHECK(node.on_demand_max == 7);
  CHECK(node.ready.fd == 9);
  const auto& bound = plan.apps[3];
  CHECK(bound.bind_by == core::BindBy::seccomp);
  CHECK(bound.io_uring == core::IoUring::deny);
  CHECK(bound.ready.when == core::ReadyWhen::listen);
}

TEST_CASE("the file with every key leaves none out") {
  Source source("all.yaml", std::string(kEverything));
  Findings findings(source);
  auto root = read_yaml(source, findings);
  REQUIRE(root);
  std::set<std::string> seen;
  collect(*root, "", seen);
  for (const auto& key : all_keys()) {
    CAPTURE(key.path);
    CHECK(seen.contains(std::string(key.path)));
  }
}

TEST_CASE("a file in flow style, is read alike") {
  auto loaded = load_text("web.yaml", std::string(kFlowStyle), test_facts(0));
  if (!loaded) FAIL(render(loaded.error()));
  const auto& plan = loaded->plan;
  CHECK(plan.listeners.size() == 5);
  CHECK(plan.listeners[1].options.backlog == 4096);
  CHECK(plan.listeners[1].options.v6only);
  CHECK(plan.listeners[2].options.mode == 0660U);
  CHECK(plan.listeners[3].addresses[0].abstract);
  CHECK(plan.apps[0].listeners == std::vector<std::string>{"http", "https"});
  CHECK(plan.apps[0].env[1] == std::pair<std::string, std::string>{"LEGACY", "no"});
  CHECK(plan.apps[0].policy.watchdog == std::chrono::seconds(30));
}
