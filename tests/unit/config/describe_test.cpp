// What --check prints.
#include "config/describe.hpp"

#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

const std::string kFile = R"(
listeners:
  http: tcp://0.0.0.0:8080
  local: tcp://localhost:0
  both: udp://:53
  admin: unix:/run/admin.sock
apps:
  web:
    target: /srv/web
    command: [./server, --fd, "${fd:local:1}", "--port=${port:http} ${port:local}", "it's", ""]
    cwd: ${target}
    workers: auto
    listeners: [http, local, both, admin]
    restart: {delay: 1s}
    limits: {nofile: 1024, core: "0:infinity"}
    watchdog: 30s
    user: www
    pass_env: [PATH, "DB_*"]
    env_file: [/etc/env, -/etc/more]
    env: {PORT: "${port:http}", SLOT: "s${slot}"}
  job:
    command: ./job
    protocol: native
    output: inherit
    group: ops
    pass_env: none
    ready: {when: command, command: "curl ${addr:admin}"}
    listeners: [admin]
)";

const std::string kDescription = R"(master web (/home/me/web.yaml)

app web
  target      /srv/web
  command     ./server --fd 5 '--port=8080 ${port:local}' 'it'\''s' ''
  cwd         /srv/web
  user        www
  workers     6 (auto)
  protocol    systemd
  ready       when the worker says so (READY=1), within 30s
  drain       SIGTERM, then at most 1m
  stop        SIGTERM, KILL after 10s
  upgrade     100% more, 0 fewer workers than wanted
  watchdog    30s
  limit       nofile 1024:1024
  limit       core 0:infinity
  descriptors 0  /dev/null
              1, 2  the master's output, each line labelled
              3  http   tcp://0.0.0.0:8080
              4  local  tcp://127.0.0.1:0 (the port is chosen by the kernel)
              5  local  tcp://[::1]:0 (the port is chosen by the kernel) (where the machine has it)
              6  both   udp://:53 (IPv4 and IPv6)
              7  admin  unix:/run/admin.sock
  environment PATH DB_*
              HOME, LOGNAME, SHELL and USER of www
              /etc/env
              /etc/more (may be missing)
              PORT=8080
              SLOT=s${slot}
              LISTEN_FDS=4

app job
  command     ./job
  cwd         /home/me
  user        the master's, group ops
  workers     1
  protocol    native
  ready       when curl /run/admin.sock succeeds, tried every 1s, within 30s
  drain       a message on its channel, then at most 1m
  stop        SIGTERM, KILL after 10s
  upgrade     100% more, 0 fewer workers than wanted
  descriptors 0  /dev/null
              1, 2  the master's output, as it is
              3  admin  unix:/run/admin.sock
              4  the channel
  environment none of the master's
              LISTEN_FDS=1
)";

}  // namespace

TEST_CASE("a plan is described descriptor by descriptor") {
  auto plan = plan_of(kFile, test_facts(0));
  auto added = [](const core::MasterPlan&, const core::AppPlan& app) {
    return std::vector<std::pair<std::string, std::string>>{
        {"LISTEN_FDS", std::to_string(app.listeners.size())}};
  };
  CHECK(describe(plan, test_facts(), added) == kDescription);
}

TEST_CASE("what is served to other programs stands last") {
  auto plan = plan_of("serve:\n  haproxy: ha.sock\n  uwsgi: zerg.sock\n"
                      "  multibinder: {socket: mb.sock, allow_bind: [\"tcp://127.0.0.1:81\", \"tcp://:82\"]}\n" +
                      kFile.substr(1), test_facts(0));
  CHECK(describe(plan, test_facts(0)).ends_with("\n"
                                 "\nserve\n"
                                 "  haproxy     /home/me/ha.sock\n"
                                 "  uwsgi       /home/me/zerg.sock\n"
                                 "  multibinder /home/me/mb.sock\n"
                                 "  allow_bind  tcp://127.0.0.1:81\n"
                                 "  allow_bind  tcp://:82 (IPv4 and IPv6)\n"));
}

TEST_CASE("how a program is seen to bind is what auto comes to on this machine") {
  core::MasterPlan plan{.name = "default"};
  plan.apps.push_back({.name = "default", .target = "/srv/x", .cwd = "/", .protocol = core::Protocol::bind});
  Facts facts = test_facts();
  CHECK(describe(plan, facts).contains("\n  bind_by     auto\n"));
  facts.seccomp_problem = [] { return ""; };
  CHECK(describe(plan, facts).contains("\n  bind_by     seccomp (auto)\n"));
  facts.seccomp_problem = [] { return "seccomp: no"; };
  CHECK(describe(plan, facts).contains("\n  bind_by     preload (auto, since seccomp cannot be used: seccomp: no)\n"));
  plan.apps[0].bind_by = core::BindBy::seccomp;
  CHECK(describe(plan, facts).contains("\n  bind_by     seccomp\n"));
}

TEST_CASE("a plan without a file runs its target") {
  core::MasterPlan plan{.name = "default"};
  plan.apps.push_back({.name = "default", .target = "/srv/x", .cwd = "/"});
  plan.apps[0].ready.when = core::ReadyWhen::delay;
  auto text = describe(plan, test_facts());
  CHECK(text.starts_with("master default\n\napp default\n  target      /srv/x\n  command     /srv/x\n"));
  CHECK(text.find("\n  ready       1s after its start\n") != std::string::npos);
}
