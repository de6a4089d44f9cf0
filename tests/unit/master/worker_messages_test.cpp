// Goal: what a worker says becomes the right events, from nobody else, and never too many. Method: real programs that
// speak sd_notify and the channel by hand.
#include <doctest/doctest.h>
#include <sys/un.h>

#include <algorithm>
#include <string>

#include "wire/channel.hpp"
#include "worker_site.hpp"

namespace liveswap::master {
namespace {

using namespace test;

constexpr const char* kWait = "signal.pause()\n";

std::ptrdiff_t count(const Lines& lines, std::string_view line) { return std::ranges::count(lines, line); }

// A native worker in Python: packets by hand, as liveswap-worker(7) describes them.
core::AppPlan native(const std::string& script) {
  core::AppPlan plan = python(
      "import struct\n"
      "channel = socket.socket(fileno=int(os.environ['LIVESWAP_CHANNEL']))\n"
      "def tell(kind, *fields):\n"
      "  payload = b''.join(str(f).encode() + b'\\0' for f in fields)\n"
      "  channel.send(struct.pack('<BBHHH', 1, 0, kind, 0, len(payload)) + payload)\n" +
      script);
  plan.protocol = core::Protocol::native;
  plan.policy.drain_by_signal = false;
  return plan;
}

}  // namespace

TEST_CASE("READY=1 makes a worker ready, once") {
  Site site;
  site.spawn(python("say('READY=1'); say('READY=1'); say('STATUS=up')\n" + std::string(kWait)));
  site.run_until([&] { return site.workers->facts(core::WorkerId{1}).status == "up"; });
  CHECK(site.events == Lines{"launched 1", "ready 1"});
}

TEST_CASE("every sd_notify message becomes its event") {
  Site site;
  site.spawn(
      python("say('STATUS=warming up')\n"
             "say('EXTEND_TIMEOUT_USEC=1500000')\n"
             "say('WATCHDOG_USEC=20000')\n"
             "say('WATCHDOG=1')\n"
             "say('READY=1')\n"
             "say('WATCHDOG=trigger')\n"
             "say('STOPPING=1')\n"
             "say('STOPPING=1')\n"
             "sys.exit(0)\n"));
  site.run_until_ended();
  CHECK(site.events == Lines{"launched 1", "extended 1 by 1500000", "watchdog 1 20000", "pinged 1", "ready 1",
                             "triggered 1", "stopping 1", "exited 1: exit status 0"});
}

TEST_CASE("what a worker said just before it ended comes before its end") {
  Site site;
  for (int i = 0; i < 20; ++i) site.spawn(python("say('READY=1'); os._exit(0)\n"));
  site.run_until_ended();
  for (int i = 1; i <= 20; ++i) {
    const std::string id = std::to_string(i);
    const auto ready = std::ranges::find(site.events, "ready " + id);
    const auto exited = std::ranges::find(site.events, "exited " + id + ": exit status 0");
    CHECK(ready < exited);
    CHECK(exited != site.events.end());
  }
}

TEST_CASE("BARRIER=1 is answered by closing its descriptor after all before it was handled") {
  Site site;
  site.spawn(
      python("r, w = os.pipe()\n"
             "say('READY=1')\n"
             "say('BARRIER=1', [w])\n"
             "os.close(w)\n"
             "os.read(r, 1)\n"
             "print('passed')\n"));
  site.run_until_ended();
  CHECK(site.events == Lines{"launched 1", "ready 1", "exited 1: exit status 0"});
  CHECK(site.out_text == "web/0 g3 | passed\n");
}

TEST_CASE("descriptors that come along with other messages are closed") {
  Site site;
  site.spawn(
      python("r, w = os.pipe()\n"
             "say('STATUS=here', [w])\n"
             "say('FDSTORE=1', [w])\n"
             "os.close(w)\n"
             "os.read(r, 1)\n"));
  site.run_until_ended();
  CHECK(site.logged ==
        Lines{"liveswap: warning: web/0 g3: FDSTORE: descriptors are not kept, and were closed"});
}

TEST_CASE("a flood of messages is dropped with one line, the sender does not hang, and others are heard") {
  Site site;
  site.spawn(
      python("s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
             "s.connect(os.environ['NOTIFY_SOCKET'])\n"
             "for i in range(5000): s.send(b'WATCHDOG=1')\n"));
  site.spawn(python("say('READY=1')\n"));
  site.run_until_ended();
  CHECK(count(site.events, "pinged 1") >= 200);
  CHECK(count(site.events, "pinged 1") < 2000);
  CHECK(count(site.events, "ready 2") == 1);
  CHECK(site.logged == Lines{"liveswap: warning: web/0 g3: sends more than 100 messages a second to NOTIFY_SOCKET: "
                             "the excess is dropped"});
}

TEST_CASE("problems of one worker are told up to a limit") {
  Site site;
  site.spawn(python("for i in range(100): say('MAINPID=1')\n"));
  site.run_until_ended();
  REQUIRE(site.logged.size() == 21);
  CHECK(site.logged[0] ==
        "liveswap: warning: web/0 g3: MAINPID=1 is no living process of this worker: ignored");
  CHECK(site.logged[20] == "liveswap: warning: web/0 g3: further problems of this worker are not told");
}

TEST_CASE("only the worker's user and root are heard on its socket") {
  if (::geteuid() != 0) return;
  Site site;
  core::AppPlan plan = python("print(open('/proc/self/status').read().count('Uid:\\t65534')); say('STATUS=x')\n" +
                              std::string(kWait));
  plan.user = "nobody";
  const auto worker = site.spawn(plan);
  site.run_until([&] { return site.workers->facts(worker).status == "x"; });
  const std::string path = site.folder.path("worker-1.sock");
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK(info.st_uid == 65534);
  CHECK((info.st_mode & 0777) == 0600);
  // Another user, to whom the path was opened by mistake.
  REQUIRE(::chmod(path.c_str(), 0666) == 0);
  core::AppPlan other = python("s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect('" + path +
                               "'); s.send(b'READY=1'); s.send(b'READY=1')\n");
  other.user = "daemon";
  site.spawn(other);
  site.run_until_event("exited 2: exit status 0");
  site.run_until([&] { return !site.logged.empty(); });
  CHECK(count(site.events, "ready 1") == 0);
  CHECK(site.logged ==
        Lines{"liveswap: warning: web/0 g3: uid 1 sent to NOTIFY_SOCKET, which only uid 65534 may: ignored"});
}

TEST_CASE("a runtime directory that is too deep for a socket's path is no obstacle") {
  Site site;
  const std::string deep = site.folder.path(std::string(100, 'x'));
  REQUIRE(::mkdir(deep.c_str(), 0755) == 0);
  site.workers = std::make_unique<Workers>(site.setup(deep));
  site.spawn(python("print(os.environ['NOTIFY_SOCKET'][:10]); say('READY=1')\n"));
  site.run_until_ended();
  CHECK(count(site.events, "ready 1") == 1);
  CHECK(site.out_text == "web/0 g3 | @liveswap-\n");
}

TEST_CASE("a runtime directory that the worker's user cannot reach is no obstacle, and strangers are none") {
  if (::geteuid() != 0) return;
  Site site;
  const std::string closed = site.folder.path("closed");
  REQUIRE(::mkdir(closed.c_str(), 0700) == 0);
  site.workers = std::make_unique<Workers>(site.setup(closed));
  core::AppPlan plan = python(
      "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
      "print(os.environ['NOTIFY_SOCKET'], flush=True)\n"
      "signal.sigwait([signal.SIGUSR1])\n"
      "say('READY=1')\n");
  plan.user = "nobody";
  const auto worker = site.spawn(plan);
  site.run_until([&] { return site.out_text.contains('\n'); });
  REQUIRE(site.out_text.starts_with("web/0 g3 | @liveswap-"));
  const std::string name = site.out_text.substr(12, site.out_text.find('\n') - 12);
  // More than the worker itself may send, and nothing of it counts against the worker.
  core::AppPlan other = python("s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect('\\0" + name +
                               "')\nfor i in range(400): s.send(b'READY=1')\n");
  other.user = "daemon";
  site.spawn(other);
  site.run_until_event("exited 2: exit status 0");
  CHECK(count(site.events, "ready 1") == 0);
  site.workers->signal({worker, SIGUSR1, false});
  site.run_until_event("exited 1: exit status 0");
  CHECK(count(site.events, "ready 1") == 1);
  CHECK(site.logged ==
        Lines{"liveswap: warning: web/0 g3: uid 1 sent to NOTIFY_SOCKET, which only uid 65534 may: ignored"});
}

TEST_CASE("a worker's socket is gone when the worker is, and old ones when a master starts") {
  Site site;
  site.folder.write("worker-77.sock", "");
  site.workers = std::make_unique<Workers>(site.setup(site.folder.path()));
  CHECK_FALSE(std::filesystem::exists(site.folder.path("worker-77.sock")));
  const auto worker = site.spawn(python("say('READY=1')\n" + std::string(kWait)));
  site.run_until_event("ready 1");
  CHECK(std::filesystem::exists(site.folder.path("worker-1.sock")));
  site.kill(worker);
  site.run_until_ended();
  CHECK_FALSE(std::filesystem::exists(site.folder.path("worker-1.sock")));
}

TEST_CASE("a native worker is ready by its channel, and only there") {
  Site site;
  const auto worker = site.spawn(native("tell(16, 'test/1', os.getpid())\n"
                                        "say('READY=1')\n"
                                        "say('STATUS=loading')\n"
                                        "sys.stdin.read()\n"
                                        "r, w = os.pipe(); say('BARRIER=1', [w]); os.close(w); os.read(r, 1)\n"
                                        "tell(17)\n"
                                        "tell(20, 5)\n"
                                        "tell(18, 'serving')\n" +
                                        std::string(kWait)));
  site.run_until([&] { return site.workers->facts(worker).status == "serving"; });
  CHECK(site.events == Lines{"launched 1", "ready 1"});
  CHECK(site.workers->facts(worker).connections == 5U);
  CHECK(site.logged == Lines{"liveswap: warning: web/0 g3: READY=1 does not count under protocol native: readiness is "
                             "said on the channel"});
}

TEST_CASE("a native worker is asked to drain on its channel") {
  Site site;
  const auto worker =
      site.spawn(native("tell(17)\n"
                        "major, minor, kind, fds, size = struct.unpack('<BBHHH', channel.recv(4096)[:8])\n"
                        "print('asked by', kind)\n"
                        "tell(19)\n"));
  site.run_until_event("ready 1");
  site.workers->ask_drain({worker, 5s});
  site.run_until_ended();
  CHECK(site.events == Lines{"launched 1", "ready 1", "stopping 1", "exited 1: exit status 0"});
  CHECK(site.out_text == "web/0 g3 | asked by 48\n");
}

TEST_CASE("a native worker that has closed its channel cannot be asked to drain, and that is told") {
  Site site;
  const auto worker = site.spawn(native("tell(17); channel.close(); say('STATUS=closed')\n" + std::string(kWait)));
  site.run_until([&] { return site.workers->facts(worker).status == "closed"; });
  site.workers->ask_drain({worker, 5s});
  CHECK(site.logged == Lines{"liveswap: warning: web/0 g3: cannot be asked to drain, since it has closed its channel: "
                             "sendmsg(channel): Broken pipe"});
}

TEST_CASE("a native worker that floods its channel does not keep the loop from others") {
  Site site;
  const auto flooder = site.spawn(native("tell(17)\nwhile True: tell(21)\n"));
  site.run_until_event("ready 1");
  site.spawn(python("say('READY=1')\n"));
  site.run_until_event("ready 2");
  site.run_until_event("exited 2: exit status 0");
  site.kill(flooder);
  site.run_until_ended();
}

TEST_CASE("a native worker that does not read its channel does not stop the master") {
  Site site;
  const auto worker = site.spawn(native("tell(17)\n" + std::string(kWait)));
  site.run_until_event("ready 1");
  for (int i = 0; i < 2000; ++i) site.workers->ask_drain({worker, 5s});
  CHECK(site.logged.empty());
}

TEST_CASE("bad packets on the channel are told and nothing else") {
  Site site;
  site.spawn(native("channel.send(b'x')\ntell(17)\n" + std::string(kWait)));
  site.run_until_event("ready 1");
  CHECK(site.logged ==
        Lines{"liveswap: warning: web/0 g3: bad packet on the channel: the packet is shorter than a header"});
}

TEST_CASE("a running native worker that says FAILED is no failed launch") {
  Site site;
  site.spawn(native("tell(17)\ntell(5, 'exec', 'x', 2)\ntell(18, 'still here')\n" + std::string(kWait)));
  site.run_until([&] { return site.workers->facts(core::WorkerId{1}).status == "still here"; });
  CHECK(site.events == Lines{"launched 1", "ready 1"});
}

TEST_CASE("other protocols drain by their signal") {
  Site site;
  core::AppPlan plan = python("signal.signal(signal.SIGUSR1, lambda *a: sys.exit(7))\nsay('READY=1')\n" +
                              std::string(kWait));
  plan.policy.drain_signal = SIGUSR1;
  const auto worker = site.spawn(plan);
  site.run_until_event("ready 1");
  site.workers->ask_drain({worker, 5s});
  site.run_until_ended();
  CHECK(site.events.back() == "exited 1: exit status 7");
}

}  // namespace liveswap::master
