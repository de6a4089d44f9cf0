// Goal: a worker starts as its release says, or says why it could not. Method: real programs by the real launcher.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <string>

#include "master/line_tail.hpp"
#include "worker_site.hpp"

namespace liveswap::master {
namespace {

using namespace test;

struct Sockets {
  std::vector<os::OwnedFd> fds;
  void add(Site& site, const std::string& name, int domain, core::SocketKind kind, const std::string& host,
           std::uint16_t port) {
    fds.emplace_back(os::adopt, ::socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(fds.back());
    site.sockets.push_back({name, 0, fds.back(), kind, host, port});
  }
};

// The lines of a worker's output, without their labels.
Lines said(const std::string& text) {
  Lines lines;
  std::size_t start = 0;
  for (std::size_t end = 0; (end = text.find('\n', start)) != text.npos; start = end + 1) {
    const std::string line = text.substr(start, end - start);
    const std::size_t label = line.find(" | ");
    lines.push_back(label == line.npos ? line : line.substr(label + 3));
  }
  return lines;
}

std::map<std::string, std::string> variables(const Lines& lines) {
  std::map<std::string, std::string> found;
  for (const std::string& line : lines) found[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
  return found;
}

std::string inode(os::FdRef fd) {
  struct stat info {};
  REQUIRE(::fstat(fd.get(), &info) == 0);
  return std::to_string(info.st_ino);
}

}  // namespace

TEST_CASE("a worker is launched and its end is told with its status and last lines") {
  Site site;
  const auto worker = site.spawn(shell("echo hello; echo oops >&2; echo last words >&2; exit 3"), 2);
  CHECK(site.pid(worker) > 0);
  site.run_until_ended();
  CHECK(site.events == Lines{"launched 1", "exited 1: exit status 3"});
  const auto& exited = std::get<core::WorkerExited>(site.raw_events.back());
  CHECK(exited.last_lines == Lines{"oops", "last words"});
  CHECK(exited.tree_gone);
  CHECK(site.out_text == "web/2 g3 | hello\n");
  CHECK(site.err_text == "web/2 g3 | oops\nweb/2 g3 | last words\n");
  CHECK(site.logged.empty());
  CHECK(site.pid(worker) == 0);
}

TEST_CASE("a worker that a signal ended is told with that signal") {
  Site site;
  site.spawn(shell("kill -SEGV $$"));
  site.run_until_ended();
  CHECK(site.events.back().starts_with("exited 1: killed by SIGSEGV"));
}

TEST_CASE("a program that is not there is a failed launch that names it") {
  Site site;
  core::AppPlan plan = app_plan({"./server"});
  plan.cwd = site.folder.path();
  site.spawn(plan);
  site.run_until_ended();
  CHECK(site.events == Lines{"failed 1: exec_failed: exec ./server: No such file or directory"});
  site.run_for(5ms);
  CHECK(site.events.size() == 1);
  CHECK(site.pid(core::WorkerId{1}) == 0);
}

TEST_CASE("a native program that is not there is a failed launch after all") {
  Site site;
  core::AppPlan plan = app_plan({"/nowhere/server"});
  plan.protocol = core::Protocol::native;
  plan.ready = {.when = core::ReadyWhen::delay, .delay = 1ms};
  site.spawn(plan);
  site.run_until_ended();
  CHECK(site.events.back() == "failed 1: exec_failed: exec /nowhere/server: No such file or directory");
  site.run_for(5ms);
  CHECK(site.events.back().starts_with("failed 1"));
}

TEST_CASE("a program in PATH is found by the app's PATH") {
  Site site;
  site.folder.write("hello", "#!/bin/sh\necho $0\n");
  core::AppPlan plan = app_plan({"hello"});
  plan.env = {{"PATH", "/usr/bin:" + site.folder.path()}};
  site.spawn(plan);
  site.run_until_ended();
  CHECK(said(site.out_text) == Lines{site.folder.path("hello")});
}

TEST_CASE("a launcher that cannot be run is a failed spawn") {
  Site site;
  Launcher broken = must(Launcher::open(os::OwnedFd{os::adopt, ::open("/dev/null", O_PATH | O_CLOEXEC)}));
  std::swap(site.launcher, broken);
  site.spawn(shell("true"));
  REQUIRE(site.events.size() == 1);
  CHECK(site.events[0] == "failed 1: spawn_failed: exec(liveswap-launch): Permission denied");
}

TEST_CASE("a launcher that ends without a word is a failed spawn that says how") {
  Site site;
  Launcher broken = must(Launcher::open(os::OwnedFd{os::adopt, ::open("/bin/false", O_PATH | O_CLOEXEC)}));
  std::swap(site.launcher, broken);
  site.spawn(shell("true"));
  site.run_until_ended();
  CHECK(site.events == Lines{"failed 1: spawn_failed: liveswap-launch exited with status 1"});
}

TEST_CASE("a worker has its listeners from 3 on, its standard streams, and nothing else") {
  Site site;
  Sockets sockets;
  sockets.add(site, "http", AF_INET, core::SocketKind::tcp, "127.0.0.1", 8080);
  sockets.add(site, "other", AF_INET, core::SocketKind::tcp, "127.0.0.1", 8081);
  sockets.add(site, "admin", AF_UNIX, core::SocketKind::unix_stream, "/run/x.sock", 0);
  core::AppPlan plan = python(
      "for fd in sorted(int(n) for n in os.listdir('/proc/self/fd')):\n"
      "  try: print(fd, os.readlink('/proc/self/fd/%d' % fd), flush=True)\n"
      "  except FileNotFoundError: pass\n");
  plan.listeners = {"admin", "http"};
  site.spawn(plan);
  site.run_until_ended();
  const Lines lines = said(site.out_text);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "0 /dev/null");
  CHECK(lines[1].starts_with("1 pipe:"));
  CHECK(lines[2].starts_with("2 pipe:"));
  CHECK(lines[3] == "3 socket:[" + inode(sockets.fds[2]) + "]");
  CHECK(lines[4] == "4 socket:[" + inode(sockets.fds[0]) + "]");
}

TEST_CASE("a worker's environment is the release's and liveswap's own") {
  Site site;
  Sockets sockets;
  sockets.add(site, "http", AF_INET, core::SocketKind::tcp, "127.0.0.1", 8080);
  site.own_environment = {"KEPT=1", "SECRET=2", "LISTEN_FDS=9", "NOTIFY_SOCKET=/run/systemd/notify"};
  core::AppPlan plan = shell("echo PID=$$; exec env");
  plan.listeners = {"http"};
  plan.pass_env = {core::PassEnv::Kind::some, {"KEPT", "LISTEN_*", "PATH"}};
  plan.env = {{"PATH", "/usr/bin:/bin"}, {"WHO", "${slot}/${generation}"}, {"PORT", "${port:http}"}};
  plan.policy.watchdog = 30s;
  site.spawn(plan, 2);
  site.run_until_ended();
  auto found = variables(said(site.out_text));
  CHECK(found["LISTEN_PID"] == found["PID"]);
  CHECK(found["WATCHDOG_PID"] == found["PID"]);
  CHECK(found["NOTIFY_SOCKET"] == site.folder.path("worker-1.sock"));
  CHECK(found["LIVESWAP_WORKER"].ends_with(":1"));
  CHECK(found["EINHORN_MASTER_PID"] == std::to_string(::getpid()));
  for (const char* name : {"PID", "LISTEN_PID", "WATCHDOG_PID", "NOTIFY_SOCKET", "LIVESWAP_WORKER",
                           "EINHORN_MASTER_PID", "PWD", "_", "SHLVL", "OLDPWD"}) {
    found.erase(name);
  }
  CHECK(found == std::map<std::string, std::string>{{"KEPT", "1"},
                                                    {"PATH", "/usr/bin:/bin"},
                                                    {"WHO", "2/3"},
                                                    {"PORT", "8080"},
                                                    {"LISTEN_FDS", "1"},
                                                    {"LISTEN_FDNAMES", "http"},
                                                    {"LISTEN_FD", "3"},
                                                    {"EINHORN_FD_COUNT", "1"},
                                                    {"EINHORN_FD_0", "3"},
                                                    {"EINHORN_CHILD_INDEX", "2"},
                                                    {"SERVER_STARTER_PORT", "127.0.0.1:8080=3"},
                                                    {"SERVER_STARTER_GENERATION", "3"},
                                                    {"WATCHDOG_USEC", "30000000"},
                                                    {"LIVESWAP_APP", "web"},
                                                    {"LIVESWAP_SLOT", "2"},
                                                    {"LIVESWAP_GENERATION", "3"},
                                                    {"LIVESWAP_RELEASE", "7"}});
}

TEST_CASE("words that differ from worker to worker are expanded for each") {
  Site site;
  Sockets sockets;
  sockets.add(site, "http", AF_INET6, core::SocketKind::tcp, "::1", 8080);
  core::AppPlan plan = app_plan({"/bin/echo", "slot ${slot} of g${generation} r${release}", "${fd:http} ${addr:http}"});
  plan.listeners = {"http"};
  const auto release = site.release(plan);
  site.spawn(release, 0);
  site.run_until_ended();
  site.spawn(release, 1);
  site.run_until_ended();
  CHECK(said(site.out_text) == Lines{"slot 0 of g3 r7 3 ::1", "slot 1 of g3 r7 3 ::1"});
}

TEST_CASE("a worker runs in its own session, in its directory and with its limits") {
  Site site;
  core::AppPlan plan = shell("pwd; ulimit -n; ps -o sid= -p $$ | tr -d ' '; echo $$");
  plan.cwd = site.folder.path();
  plan.limits = {{"nofile", RLIMIT_NOFILE, 123, 456}};
  site.spawn(plan);
  site.run_until_ended();
  const Lines lines = said(site.out_text);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == site.folder.path());
  CHECK(lines[1] == "123");
  CHECK(lines[2] == lines[3]);
}

TEST_CASE("a worker has the limit of descriptors that the master was started with, unless its release sets one") {
  Site site;
  WorkerSetup setup = site.setup(site.folder.path());
  setup.descriptor_limit = os::DescriptorLimit{300, 400};
  site.workers = std::make_unique<Workers>(std::move(setup));
  core::AppPlan plan = shell("ulimit -S -n; ulimit -H -n");
  site.spawn(plan);
  site.run_until_ended();
  plan.limits = {{"nofile", RLIMIT_NOFILE, 123, 456}};
  site.spawn(plan);
  site.run_until_ended();
  CHECK(said(site.out_text) == Lines{"300", "400", "123", "456"});
}

TEST_CASE("a worker of another user has that user's groups and can open its own streams") {
  if (::geteuid() != 0) return;
  Site site;
  core::AppPlan plan = shell("id -u; id -g; echo hello > /dev/stdout");
  plan.user = "nobody";
  plan.group = "daemon";
  site.spawn(plan);
  site.run_until_ended();
  CHECK(said(site.out_text) == Lines{"65534", "1", "hello"});
  CHECK(site.err_text.empty());
}

TEST_CASE("a directory that the worker's user may not enter is a failed launch") {
  if (::geteuid() != 0) return;
  Site site;
  REQUIRE(::mkdir(site.folder.path("private").c_str(), 0700) == 0);
  core::AppPlan plan = shell("true");
  plan.user = "nobody";
  plan.cwd = site.folder.path("private");
  site.spawn(plan);
  site.run_until_ended();
  CHECK(site.events == Lines{"failed 1: exec_failed: chdir " + site.folder.path("private") + ": Permission denied"});
}

TEST_CASE("with output inherit a worker writes to the master's own streams") {
  Site site;
  core::AppPlan plan = shell("echo hello; echo oops >&2");
  plan.output = core::Output::inherit;
  site.spawn(plan);
  site.run_until_ended();
  site.run_until([&] { return !site.out_text.empty() && !site.err_text.empty(); });
  CHECK(site.out_text == "hello\n");
  CHECK(site.err_text == "oops\n");
  CHECK(std::get<core::WorkerExited>(site.raw_events.back()).last_lines.empty());
}

TEST_CASE("very much output at the end is all there before the exit is told") {
  Site site;
  site.spawn(shell("i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done"));
  site.run_until_ended();
  const auto& exited = std::get<core::WorkerExited>(site.raw_events.back());
  REQUIRE(exited.last_lines.size() == LineTail::kLinesMax);
  CHECK(exited.last_lines.back() == "line 2999");
  site.run_until([&] { return said(site.err_text).size() == 3000; });
}

TEST_CASE("a hundred workers leave no descriptor and no file behind") {
  Site site;
  site.spawn(shell("true"));
  site.run_until_ended();
  site.run_for(1ms);
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto good = site.release(shell("exit 0"));
  const auto bad = site.release(app_plan({"/nowhere"}));
  const auto before = count();
  for (int i = 0; i < 50; ++i) {
    site.spawn(good);
    site.spawn(bad);
  }
  site.run_until_ended();
  site.run_until([&] { return count() == before; });
  CHECK(std::filesystem::is_empty(site.folder.path()));
}

}  // namespace liveswap::master
