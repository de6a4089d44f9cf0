// Goal: what a worker has open is counted from outside, rightly, whatever it does with it. Method: real programs with
// real listeners and clients; their drain is watched as the master does.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "../os/sockets.hpp"
#include "worker_site.hpp"

namespace liveswap::master {
namespace {

using namespace test;
using os::OwnedFd;
using os::SocketAddress;

// Accepts on descriptor 3 for ever and keeps what it has accepted; does what a client's first byte asks for.
constexpr const char* kServer =
    "listener = socket.socket(fileno=3)\n"
    "kept = []\n"
    "signal.signal(signal.SIGTERM, lambda *_: say('STATUS=drains'))\n"
    "say('READY=1')\n"
    "while True:\n"
    "  client, _ = listener.accept()\n"
    "  what = client.recv(1)\n"
    "  if what == b'f' and os.fork() == 0:\n"  // the child keeps a copy of all connections
    "    client.send(b'.')\n"
    "    while True: signal.pause()\n"
    "  if what == b'm' and os.fork() == 0:\n"  // the child alone has this one
    "    client.send(b'.')\n"
    "    while True: signal.pause()\n"
    "  if what == b'o':\n"  // it becomes a client of itself
    "    kept.append(socket.create_connection(listener.getsockname()))\n"
    "    kept[-1].send(b'k')\n"
    "  if what == b'c': kept.clear()\n"
    "  if what not in b'mc': kept.append(client)\n"
    "  if what not in b'fm': client.send(b'.')\n"
    "  del client\n";

struct Server {
  explicit Server(const SocketAddress& address, int type = SOCK_STREAM) : listener(os::test::listening(address, type)) {
    const bool is_unix = address.family() == AF_UNIX;
    const auto kind = is_unix ? core::SocketKind::unix_stream : core::SocketKind::tcp;
    site.sockets.push_back({"http", 0, listener.socket, kind, address.host(), listener.address.port()});
  }
  explicit Server() : Server(os::test::loopback()) {}

  void start(const char* program = kServer) {
    core::AppPlan plan = python(program);
    plan.listeners = {"http"};
    worker = site.spawn(plan);
    site.run_until_event("ready 1");
  }
  // A client that has been served.
  OwnedFd client(const char* what = "k") {
    const SocketAddress target = listener.address.is_any_host()
                                     ? os::test::must(SocketAddress::ipv4("127.0.0.1", listener.address.port()))
                                     : listener.address;
    OwnedFd made = os::test::connected(target, type());
    REQUIRE(::send(made.get(), what, 1, 0) == 1);
    REQUIRE(os::test::wait_readable(made));
    return made;
  }
  int type() const { return os::test::must(os::get_option(listener.socket, os::option::kType)); }
  std::optional<std::uint32_t> count() {
    bool done = false;
    site.workers->count_connections({}, [&] { done = true; });
    site.run_until([&] { return done; });
    return site.workers->facts(worker).connections;
  }
  // Looks as often as it may until it is so many.
  void run_until_count(std::uint32_t wanted) {
    site.run_until([&] {
      site.workers->count_connections({}, [] {});
      return site.workers->facts(worker).connections == wanted;
    });
  }
  void drain() { site.workers->ask_drain({worker, 60s}); }

  Site site;
  os::test::Listener listener;
  core::WorkerId worker;
};

TEST_CASE("open connections are counted, on every kind of socket, and closed ones are not") {
  const Folder folder;
  std::vector<std::pair<SocketAddress, int>> kinds;
  for (const SocketAddress& address : os::test::loopbacks()) kinds.emplace_back(address, SOCK_STREAM);
  kinds.emplace_back(os::test::must(SocketAddress::ipv6("::", 0)), SOCK_STREAM);  // reached by IPv4
  kinds.emplace_back(os::test::must(SocketAddress::unix_path(folder.path("x.sock"))), SOCK_STREAM);
  kinds.emplace_back(os::test::must(SocketAddress::unix_path(folder.path("packets"))), SOCK_SEQPACKET);
  for (const auto& [address, type] : kinds) {
    CAPTURE(address.text());
    Server server(address, type);
    server.start();
    CHECK_FALSE(server.site.workers->facts(server.worker).connections.has_value());
    CHECK(server.count() == 0U);
    const OwnedFd first = server.client();
    const OwnedFd second = server.client();
    server.run_until_count(2);
    const auto rows = server.site.workers->connections(server.worker);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].pid == server.site.pid(server.worker));
    if (address.family() == AF_UNIX) {
      CHECK(rows[0].peer_pid == ::getpid());
    } else {
      const std::string its = os::test::must(os::local_address(first)).text();
      CHECK((rows[0].peer == its || rows[1].peer == its));  // as old as each other, as far as can be seen
      CHECK(rows[0].bytes_in == 1U);
    }
    const OwnedFd third = server.client("c");  // the program closes all of them
    server.run_until_count(0);
  }
}

TEST_CASE("a connection that several processes of the worker have counts once, and one that only a child has counts") {
  Server server;
  server.start();
  const OwnedFd kept = server.client();
  const OwnedFd copied = server.client("f");
  server.run_until_count(2);
  const OwnedFd moved = server.client("m");
  server.run_until_count(3);
  const auto rows = server.site.workers->connections(server.worker);
  const pid_t main = server.site.pid(server.worker);
  CHECK(std::ranges::count_if(rows, [&](const ConnectionRow& row) { return row.pid != main; }) == 1);
}

TEST_CASE("connections that the program made itself do not count") {
  Server server;
  server.start();
  const OwnedFd client = server.client("o");
  const OwnedFd another = server.client();
  server.run_until_count(3);  // these two, and the end that it accepted of its connection to itself
}

TEST_CASE("who waits in the listener's queue counts where no other generation accepts from it") {
  Server server;
  server.start("say('READY=1')\nsignal.pause()\n");
  const OwnedFd waiting = os::test::connected(server.listener.address);
  CHECK(server.count() == 0U);
  server.site.own_sockets = {{server.listener.socket, false}};
  CHECK(server.count() == 0U);
  server.site.own_sockets = {{server.listener.socket, true}};
  server.run_until_count(1);
}

TEST_CASE("none left is told once it was so twice, and again after there were some") {
  Server server;
  server.start();
  OwnedFd client = server.client();
  server.run_until_count(1);
  server.drain();
  server.site.run_until([&] { return server.site.workers->facts(server.worker).status == "drains"; });
  server.site.run_for(300ms);
  CHECK(server.site.empty.empty());
  const OwnedFd last = server.client("c");
  server.site.run_until([&] { return !server.site.empty.empty(); });
  CHECK(server.site.empty == std::vector<std::uint64_t>{1});
  {
    const OwnedFd late = server.client();
    server.site.run_until([&] { return server.site.workers->facts(server.worker).connections == 1U; });
    const OwnedFd closes = server.client("c");
    server.site.run_until([&] { return server.site.empty.size() == 2; });
  }
}

TEST_CASE("nothing is counted of a worker that does not drain, unless somebody asks") {
  Server server;
  server.start();
  const OwnedFd client = server.client();
  server.site.run_for(200ms);
  CHECK_FALSE(server.site.workers->facts(server.worker).connections.has_value());
}

TEST_CASE("an idle connection of a draining worker is closed, one that is being served is not") {
  Server server;
  core::AppPlan plan = python(
      "import select\n"
      "listener = socket.socket(fileno=3)\n"
      "signal.signal(signal.SIGTERM, lambda *_: None)\n"
      "idle, _ = listener.accept(); idle.recv(1); time.sleep(0.05); idle.send(b'.')\n"
      "busy, _ = listener.accept(); busy.recv(1)\n"
      "say('READY=1')\n"
      "idle.recv(1)\n"
      "say('STATUS=idle ended, ' + ('busy, too' if select.select([busy], [], [], 0)[0] else 'busy did not'))\n"
      "while True: signal.pause()\n");
  plan.listeners = {"http"};
  plan.policy.drain_idle = 30s;
  server.worker = server.site.spawn(plan);
  const OwnedFd idle = server.client();
  const OwnedFd busy = os::test::connected(server.listener.address);
  REQUIRE(::send(busy.get(), "k", 1, 0) == 1);
  server.site.run_until_event("ready 1");
  CHECK(server.count() == 2U);
  server.drain();
  server.site.run_until([&] { return !server.site.workers->facts(server.worker).status.empty(); });
  CHECK(server.site.workers->facts(server.worker).status == "idle ended, busy did not");
  CHECK(std::ranges::count(server.site.logged, "liveswap: web/0 g3: closed 1 idle connection") == 1);
}

TEST_CASE("what the end of a draining worker cuts is noted, once, and not where it cuts nothing") {
  Server server;
  server.start();
  const OwnedFd client = server.client();
  CHECK_FALSE(server.site.workers->note_of_cut(server.worker).has_value());  // it does not drain
  server.drain();
  CHECK(server.count() == 1U);  // for a count at the last moment a busy machine may have no time
  const auto note = server.site.workers->note_of_cut(server.worker);
  REQUIRE(note);
  CHECK(note->kind == core::NoteKind::worker_cut);
  CHECK(note->count == 1);
  CHECK(note->slot == 0U);
  CHECK(note->text.starts_with("the oldest for "));
  CHECK_FALSE(server.site.workers->note_of_cut(server.worker).has_value());
  Server idle;
  idle.start();
  idle.drain();
  CHECK_FALSE(idle.site.workers->note_of_cut(idle.worker).has_value());
}

}  // namespace
}  // namespace liveswap::master
