// Goal: each further way by which workers find their sockets and say that they are ready does what other supervisors
// do. Method: small programs that speak by hand, as the clients of those supervisors do.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "worker_site.hpp"

namespace liveswap::master {
namespace {

using namespace test;

constexpr const char* kWait = "signal.pause()\n";

// einhorn's client in a few lines.
core::AppPlan einhorn(const std::string& script) {
  core::AppPlan plan = python(
      "def connect():\n"
      "  s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)\n"
      "  address = os.environ['EINHORN_SOCK_PATH']\n"
      "  s.connect(address if address[0] == '/' else '\\0' + address[1:])\n"
      "  return s\n"
      "def tell(line, s=None):\n"
      "  s = s or connect()\n"
      "  s.sendall(line.encode())\n"
      "  return s.recv(100)\n"  // b'': closed without an answer
      "ack = '{\"command\":\"worker:ack\",\"pid\":%d}\\n' % os.getpid()\n" +
      script);
  plan.protocol = core::Protocol::einhorn;
  return plan;
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Listening {
  os::OwnedFd fd{os::adopt, ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  explicit Listening(Site& site, const std::string& name = "http") {
    REQUIRE(fd);
    site.sockets.push_back({name, 0, fd, core::SocketKind::tcp, "127.0.0.1", 8080});
  }
};

}  // namespace

TEST_CASE("einhorn: an ack on its socket makes a worker ready, and the connection is closed without an answer") {
  Site site;
  site.spawn(einhorn("print(tell(ack), flush=True)\n" + std::string(kWait)));
  site.run_until_event("ready 1");
  site.run_until([&] { return site.out_text == "web/0 g3 | b''\n"; });
  CHECK(site.events == Lines{"launched 1", "ready 1"});
  struct stat info {};
  REQUIRE(::stat(site.folder.path("worker-1-einhorn.sock").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  site.kill(core::WorkerId{1});
  site.run_until_ended();
  site.run_until([&] { return std::filesystem::is_empty(site.folder.path()); });
}

TEST_CASE("einhorn: YAML, the connected descriptor and a message in pieces do as well") {
  for (const char* script :
       {"tell('---%0Acommand: worker:ack%0Apid: 5%0A\\n')\n", "tell('{command: worker:ack, pid: 5}\\n')\n",
        "tell(ack, socket.socket(fileno=int(os.environ['EINHORN_SOCK_FD'])))\n",
        "s = connect(); [s.sendall(ack[i:i+1].encode()) for i in range(len(ack))]\n"}) {
    CAPTURE(script);
    Site site;
    site.spawn(einhorn(script + std::string(kWait)));
    site.run_until_event("ready 1");
  }
}

TEST_CASE("einhorn: a ping is a sign of life, and an ack counts where the worker ends at once") {
  Site site;
  site.spawn(einhorn("tell('{\"command\":\"worker:ping\",\"pid\":1}\\n')\n"
                     "s = connect(); s.sendall(ack.encode())\n"
                     "os._exit(0)\n"));
  site.run_until_ended();
  CHECK(site.events == Lines{"launched 1", "pinged 1", "ready 1", "exited 1: exit status 0"});
}

TEST_CASE("einhorn: what is no message of a worker is told, and READY=1 does not count") {
  Site site;
  site.spawn(einhorn("tell('{command: upgrade}\\n')\n"
                     "tell('x' * 5000 + '\\n')\n"
                     "connect().close()\n"
                     "say('READY=1')\n"
                     "sys.exit(0)\n"));
  site.run_until_ended();
  CHECK(site.events == Lines{"launched 1", "exited 1: exit status 0"});
  const auto told = [&](std::string_view text) {
    return std::ranges::any_of(site.logged, [&](const std::string& line) { return line.contains(text); });
  };
  CHECK(told("upgrade came on einhorn's socket"));
  CHECK(told("too long a line"));
  CHECK(told("READY=1 does not count under protocol einhorn"));
}

TEST_CASE("einhorn: many connections that say nothing keep nobody from an ack") {
  Site site;
  site.spawn(einhorn("idle = [connect() for _ in range(40)]\ntell(ack)\n" + std::string(kWait)));
  site.run_until_event("ready 1");
}

TEST_CASE("einhorn: a worker of another user can ack, also where it cannot reach the directory") {
  if (::geteuid() != 0) return;
  for (const mode_t mode : {0755U, 0700U}) {
    CAPTURE(mode);
    Site site;
    REQUIRE(::chmod(site.folder.path().c_str(), mode) == 0);
    core::AppPlan plan = einhorn("tell(ack)\n" + std::string(kWait));
    plan.user = "nobody";
    plan.group = "nogroup";
    site.spawn(plan);
    site.run_until_event("ready 1");
  }
}

TEST_CASE("einhorn: a delay does without an ack") {
  Site site;
  core::AppPlan plan = einhorn(kWait);
  plan.ready = {.when = core::ReadyWhen::delay, .delay = 1ms};
  site.spawn(plan);
  site.run_until_event("ready 1");
}

TEST_CASE("other protocols have no command socket") {
  Site site;
  site.spawn(python("print(os.environ.get('EINHORN_SOCK_PATH'), os.environ.get('EINHORN_SOCK_FD'))\n"));
  site.run_until_ended();
  CHECK(site.out_text == "web/0 g3 | None None\n");
}

TEST_CASE("a newline on the descriptor that the file names makes a worker ready") {
  Site site;
  core::AppPlan plan = python("os.write(9, b'any'); os.write(9, b'thing\\n'); os.close(9)\n" + std::string(kWait));
  plan.ready = {.when = core::ReadyWhen::fd, .fd = 9};
  site.spawn(plan);
  site.run_until_event("ready 1");
  CHECK(site.logged.empty());
}

TEST_CASE("a descriptor that is closed without a newline is told, and READY=1 does not count instead") {
  Site site;
  core::AppPlan plan = python("os.write(9, b'no'); os.close(9); say('READY=1\\nSTATUS=said')\n" + std::string(kWait));
  plan.ready = {.when = core::ReadyWhen::fd, .fd = 9};
  site.spawn(plan);
  site.run_until([&] { return site.workers->facts(core::WorkerId{1}).status == "said" && !site.logged.empty(); });
  CHECK(site.events == Lines{"launched 1"});
  CHECK(site.logged[0].contains("closed descriptor 9 without a newline, so it never says that it is ready"));
}

TEST_CASE("a newline that a worker writes before it ends counts, and its end is no complaint") {
  Site site;
  core::AppPlan plan = shell("echo >&5");
  plan.ready = {.when = core::ReadyWhen::fd, .fd = 5};
  site.spawn(plan);
  site.run_until_ended();
  CHECK(site.events == Lines{"launched 1", "ready 1", "exited 1: exit status 0"});
}

TEST_CASE("NOTIFY_FD takes what NOTIFY_SOCKET takes") {
  Site site;
  core::AppPlan plan = python(
      "s = socket.socket(fileno=int(os.environ['NOTIFY_FD']))\n"
      "s.send(b'STATUS=up'); s.send(b'READY=1')\n" +
      std::string(kWait));
  plan.notify_fd = true;
  site.spawn(plan);
  site.run_until_event("ready 1");
  CHECK(site.workers->facts(core::WorkerId{1}).status == "up");
}

TEST_CASE("a listener can be standard input, and it alone") {
  Site site;
  const Listening http(site);
  core::AppPlan plan = python(
      "a = os.fstat(0).st_ino\n"
      "print(a == os.fstat(3).st_ino if os.environ.get('LISTEN_FDS') else a == int(sys.argv[1]), flush=True)\n");
  struct stat info {};
  REQUIRE(::fstat(http.fd.get(), &info) == 0);
  plan.command.push_back(std::to_string(info.st_ino));
  plan.stdin_listener = "http";
  site.spawn(plan);
  site.run_until_ended();
  plan.listeners = {"http"};
  site.spawn(plan);
  site.run_until_ended();
  CHECK(site.out_text == "web/0 g3 | True\nweb/0 g3 | True\n");
}

TEST_CASE("LISTEN_PID can be left out, and circus's names are numbers") {
  Site site;
  const Listening http(site);
  core::AppPlan plan = app_plan({"/bin/sh", "-c", verbatim("echo $LISTEN_FDS ${LISTEN_PID-none} $LISTEN_FD $0 $1"),
                                 "$(circus.sockets.HTTP)", "$(circus.wid)"});
  plan.listeners = {"http"};
  plan.listen_pid = false;
  site.spawn(plan, 2);
  site.run_until_ended();
  CHECK(site.out_text == "web/2 g3 | 1 none 3 3 3\n");
}

TEST_CASE("tableflip's successor reads names on 4, has its listeners from 5, and says ready on 3") {
  Site site;
  const Listening http(site);
  core::AppPlan plan = python(
      "names = os.read(4, 65536)\n"
      "print(os.environ['TABLEFLIP_HAS_PARENT_7DIU3'], names[-28:], os.environ.get('LISTEN_FDS'), sys.argv[1],\n"
      "      socket.socket(fileno=5).family == socket.AF_INET, flush=True)\n"
      "os.set_blocking(4, False)\n"
      "try: os.read(4, 1); print('the parent is gone', flush=True)\n"
      "except BlockingIOError: pass\n"
      "os.write(3, bytes([42])); os.close(3)\n" +
      std::string(kWait));
  plan.command.emplace_back("${fd:http}");
  plan.listeners = {"http"};
  plan.inherit_as = core::InheritAs::tableflip;
  site.spawn(plan);
  site.run_until_event("ready 1");
  site.run_until([&] { return !site.out_text.empty(); });
  CHECK(site.out_text == "web/0 g3 | yes b'\\x08listener\\x03tcp\\x0e127.0.0.1:8080'"
                         " None 5 True\n");
  CHECK(site.logged.empty());
}

TEST_CASE("ecdysis' successor reads names and says ready on the pipes that variables number") {
  Site site;
  const Listening http(site);
  core::AppPlan plan = python(
      "names = os.fdopen(int(os.environ['ECDYSIS_RUST_PIPE_FDS']), 'rb').read()\n"
      "print(os.environ['ECDYSIS_RUST_UPGRADE'], names[:12], flush=True)\n"
      "os.write(int(os.environ['ECDYSIS_RUST_PIPE_READY']), b'OK')\n" +
      std::string(kWait));
  plan.listeners = {"http"};
  plan.inherit_as = core::InheritAs::ecdysis;
  site.spawn(plan);
  site.run_until_event("ready 1");
  site.run_until([&] { return !site.out_text.empty(); });
  CHECK(site.out_text == "web/0 g3 | yes b'\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x03\\x00\\x00\\x00'\n");
}

TEST_CASE("a status file lists who lives, and goes with the last master") {
  Site site;
  const Folder elsewhere;
  core::AppPlan plan = shell("exec sleep 1000");
  plan.protocol = core::Protocol::server_starter;
  plan.status_file = elsewhere.path("status");
  const auto release = site.release(plan);
  const auto first = site.spawn(release, 0), second = site.spawn(release, 1);
  const auto line = [&](core::WorkerId worker) { return "3:" + std::to_string(site.pid(worker)) + "\n"; };
  const bool in_order = site.pid(first) < site.pid(second);
  const std::string both = in_order ? line(first) + line(second) : line(second) + line(first);
  site.run_until([&] { return content(*plan.status_file) == both; });
  const std::string rest = line(second);
  site.kill(first);
  site.run_until([&] { return content(*plan.status_file) == rest; });
  site.kill(second);
  site.run_until_ended();
  site.run_until([&] { return content(*plan.status_file).empty(); });
  CHECK(std::filesystem::exists(*plan.status_file));
  CHECK_FALSE(std::filesystem::exists(*plan.status_file + ".new"));
  site.workers.reset();
  CHECK_FALSE(std::filesystem::exists(*plan.status_file));
  site.workers = std::make_unique<Workers>(site.setup(site.folder.path()));
}

TEST_CASE("a status file that cannot be written is told once") {
  Site site;
  core::AppPlan plan = shell("true");
  plan.protocol = core::Protocol::server_starter;
  plan.status_file = "/nowhere/status";
  site.spawn(plan);
  site.spawn(plan);
  site.run_until_ended();
  site.run_until([&] { return !site.logged.empty(); });
  site.run_for(2ms);
  CHECK(std::ranges::count_if(site.logged, [](const std::string& line) {
          return line.contains("status_file is not written: open(/nowhere/status.new): No such file or directory");
        }) == 1);
}

}  // namespace liveswap::master
