// A release's environment, and a worker's.
#include "config/environment.hpp"

#include <doctest/doctest.h>

using namespace liveswap;
using namespace liveswap::config;

namespace {

using Strings = std::vector<std::string>;

Values values() {
  Values known;
  known.sockets = {{.listener = "http", .address = "127.0.0.1", .port = 8080, .fd = 3}};
  known.release = 7;
  return known;
}

// The release's environment as worker 2 gets it.
Strings made(const EnvSources& sources) {
  auto environment = release_environment(sources, values());
  if (!environment) return {"error: " + environment.error()};
  auto known = values();
  known.slot = 2;
  auto out = worker_environment(*environment, known);
  return out ? *out : Strings{"error: " + out.error()};
}

}  // namespace

TEST_CASE("what liveswap itself was given is not passed on") {
  core::AppPlan app;
  Strings own{"PATH=/bin",         "NOTIFY_SOCKET=/x", "LISTEN_FDS=1",
              "LISTEN_PID=5",      "LISTEN_FDNAMES=a", "WATCHDOG_USEC=1",
              "WATCHDOG_PID=1",    "FDSTORE=1",        "MAINPID=5",
              "MAINPIDFDID=5",     "EINHORN_FD_0=1",   "LIVESWAP_CONTROL=x",
              "NODE_CHANNEL_FD=3", "NODE_UNIQUE_ID=1", "SERVER_STARTER_PORT=80=3",
              "NODE_ENV=x",        "LISTENER=y",       "FDSTORES=z"};
  CHECK(made({app, own, {}, {}}) == Strings{"FDSTORES=z", "LISTENER=y", "NODE_ENV=x", "PATH=/bin"});
}

TEST_CASE("pass_env lets all, none or some through") {
  core::AppPlan app;
  Strings own{"PATH=/bin", "DB_HOST=h", "DB_PORT=p", "DBX=1"};
  app.pass_env = {core::PassEnv::Kind::none, {}};
  CHECK(made({app, own, {}, {}}) == Strings{});
  app.pass_env = {core::PassEnv::Kind::some, {"PATH", "DB_*"}};
  CHECK(made({app, own, {}, {}}) == Strings{"DB_HOST=h", "DB_PORT=p", "PATH=/bin"});
  app.pass_env = {core::PassEnv::Kind::some, {"DB_*", "LISTEN_*"}};
  CHECK(made({app, Strings{"LISTEN_FDS=1"}, {}, {}}) == Strings{});
}

TEST_CASE("an app with a user has that user's variables, not those of the master's, and the file's win") {
  core::AppPlan app;
  Strings own{"HOME=/root", "LOGNAME=root", "PATH=/bin", "SHELL=/bin/zsh", "USER=root"};
  CHECK(made({app, own, {}, {}, Login{"www", "/var/www", "/bin/sh"}}) ==
        Strings{"HOME=/var/www", "LOGNAME=www", "PATH=/bin", "SHELL=/bin/sh", "USER=www"});
  CHECK(made({app, own, {}, {}, Login{"", "", ""}}) == Strings{"PATH=/bin"});
  CHECK(made({app, own, {}, {}, Login{"www", "/", "/usr/sbin/nologin"}}) ==
        Strings{"LOGNAME=www", "PATH=/bin", "USER=www"});
  app.pass_env = {core::PassEnv::Kind::none, {}};
  app.env = {{"SHELL", "${env:HOME}/sh"}};
  CHECK(made({app, own, {{"USER", "file"}}, {{"LOGNAME", "override"}}, Login{"www", "/var/www", "/bin/false"}}) ==
        Strings{"HOME=/var/www", "LOGNAME=override", "SHELL=/var/www/sh", "USER=file"});
}

TEST_CASE("later sources win: own, files, env, overrides") {
  core::AppPlan app;
  app.env = {{"C", "env"}, {"D", "env"}};
  Strings own{"A=own", "B=own", "C=own", "D=own"};
  CHECK(made({app, own, {{"B", "file"}, {"C", "file"}, {"D", "file"}}, {{"D", "override"}}}) ==
        Strings{"A=own", "B=file", "C=env", "D=override"});
}

TEST_CASE("odd assignments: of two the first counts, without a name none") {
  core::AppPlan app;
  CHECK(made({app, Strings{"A=1", "A=2", "=x", "B", "C=", "D=x=y"}, {}, {}}) ==
        Strings{"A=1", "C=", "D=x=y"});
}

TEST_CASE("env is expanded, what is passed on and env files are not") {
  core::AppPlan app;
  app.env = {{"PORT", "${port:http}"}, {"FD", "${fd:http}"},  {"ID", "r${release}s${slot}"},
             {"P2", "${env:PORT}0"},   {"F2", "<${env:FD}>"}, {"OLD", "${env:RAW}"}};
  CHECK(made({app, Strings{"RAW=${slot}$$"}, {{"FILE", "${slot}"}}, {{"O", "${env:OLD}${release}"}}}) ==
        Strings{"F2=<3>", "FD=3", "FILE=${slot}", "ID=r7s2", "O=${slot}$$7", "OLD=${slot}$$", "P2=80800",
                "PORT=8080", "RAW=${slot}$$"});
}

TEST_CASE("env reads only what stands before it") {
  core::AppPlan app;
  app.env = {{"A", "${env:B}"}, {"B", "1"}};
  CHECK(made({app, {}, {}, {}}) == Strings{"error: env A: ${env:B}: the variable is not set"});
  app.env = {{"PATH", "/opt:${env:PATH}"}};
  CHECK(made({app, Strings{"PATH=/bin"}, {}, {}}) == Strings{"PATH=/opt:/bin"});
}

TEST_CASE("errors name the variable and its origin") {
  core::AppPlan app;
  CHECK(
      made({app, {}, {}, {{"A", "${nope}"}}})[0].starts_with("error: --env A: unknown variable \"${nope}\""));
  app.env = {{"A", "${fd:other}"}};
  CHECK(made({app, {}, {}, {}}) == Strings{"error: env A: ${fd:other}: there is no such listener"});
}
