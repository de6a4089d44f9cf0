// The sockets for other programs: whom they let in, how long, how many; and each protocol from a client's side.
#include "master/serve_server.hpp"

#include <sys/syscall.h>

#include "listeners_world.hpp"
#include "master/serve_haproxy.hpp"
#include "master/serve_multibinder.hpp"
#include "master/serve_uwsgi.hpp"
#include "os/scm.hpp"

namespace liveswap::master {
using namespace test;
using namespace std::chrono_literals;

namespace {

template <class Session>
struct Fixture {
  TempDir folder;
  core::MasterPlan planned;
  World world;
  std::vector<std::string> logged;
  Log log{core::LogLevel::info, core::LogFormat::text, [this](std::string_view line) { logged.emplace_back(line); }};
  ServedListeners served;
  Keeper keeper;
  std::unique_ptr<ServeServer> server;

  explicit Fixture(std::chrono::microseconds time = 60s, const core::ControlPlan& control = {})
      : planned(plan({listener("http", {tcp("127.0.0.1"), tcp("127.0.0.2")})})),
        world(planned),
        served(world.listeners, planned, log) {
    REQUIRE(::chmod(folder.path().c_str(), 0711) == 0);
    auto opened = ServeServer::open(world.loop, log, {.name = "test", .path = path(), .time = time},
                                    *AccessRules::resolve(control, ::geteuid()),
                                    {keeper, {KeepRole::serve_listener, 0, 0}},
                                    [this] { return std::make_unique<Session>(served); });
    if (!opened) FAIL(opened.error());
    server = std::move(*opened);
  }
  std::string path() const { return folder.path("serve.sock"); }

  OwnedFd connect() {
    OwnedFd socket = must(os::open_socket(AF_UNIX, SOCK_STREAM));
    must(os::connect_to(socket, must(os::SocketAddress::unix_path(path()))));
    must(os::set_nonblock(socket, true));
    return socket;
  }

  void run_until(const std::function<bool()>& is_so) {
    const auto patience = world.loop.now() + 10s;
    loop::Timer look(world.loop, [&] { world.loop.stop(); });
    while (!is_so()) {
      if (world.loop.now() > patience) FAIL("not within ten seconds");
      look.start_after(1ms);
      world.loop.run();
    }
  }

  // What the server says, until so many bytes are there or it has closed.
  struct Heard {
    std::string bytes;
    std::vector<OwnedFd> fds;
    bool ended = false;
  };
  Heard hear(FdRef socket, std::size_t bytes) {
    Heard heard;
    run_until([&] {
      auto packet = os::receive_packet(socket, 4096, os::kMaxPacketFds);
      if (!packet) return heard.ended = true;
      if (!*packet) return false;
      heard.ended = (*packet)->eof;
      for (const std::byte byte : (*packet)->payload) heard.bytes += static_cast<char>(byte);
      for (OwnedFd& fd : (*packet)->fds) heard.fds.push_back(std::move(fd));
      return heard.ended || heard.bytes.size() >= bytes;
    });
    return heard;
  }
};

void say(FdRef socket, std::string_view bytes) {
  REQUIRE(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

ino_t inode_of(FdRef fd) {
  struct stat about {};
  REQUIRE(::fstat(fd.get(), &about) == 0);
  return about.st_ino;
}

constexpr std::size_t kUntilEnd = 1 << 20;

TEST_CASE("serve: the socket is its owner's alone, and goes with the server") {
  Fixture<UwsgiSession> of;
  CHECK((stat_of(of.path()).st_mode & 07777) == 0600);
  of.server.reset();
  CHECK_FALSE(exists(of.path()));
}

TEST_CASE("serve: haproxy gets the number, then the sockets, and is done when it has said so") {
  Fixture<HaproxySession> of;
  const OwnedFd client = of.connect();
  say(client, "_getsocks\n");
  auto heard = of.hear(client, 16);
  CHECK(heard.bytes.size() == 16);
  REQUIRE(heard.fds.size() == 2);
  CHECK(inode_of(heard.fds[1]) == inode_of(of.world.socket("http", 1).fd));
  CHECK(of.server->clients() == 1);
  say(client, std::string(4, '\0'));
  CHECK(of.hear(client, kUntilEnd).ended);
  CHECK(lines(of.logged).contains("gave 2 sockets to PID " + std::to_string(::getpid())));
}

TEST_CASE("serve: uwsgi gets all in one message, and the server closes") {
  Fixture<UwsgiSession> of;
  const OwnedFd client = of.connect();
  const auto heard = of.hear(client, kUntilEnd);
  CHECK(heard.ended);
  CHECK(heard.bytes.substr(0, 10) == "uwsgi-zerg");
  CHECK(heard.bytes.size() == 14);
  REQUIRE(heard.fds.size() == 2);
  CHECK(inode_of(heard.fds[0]) == inode_of(of.world.socket("http").fd));
}

TEST_CASE("serve: multibinder answers each request, the bad ones too") {
  Fixture<MultibinderSession> of;
  const OwnedFd client = of.connect();
  const std::string port = std::to_string(of.world.socket("http").port);
  say(client, R"({"jsonrpc":"2.0","id":1,"method":"bind","params":[{"address":"127.0.0.1","port":)" + port + "}]}");
  const auto bound = of.hear(client, 10);
  CHECK(bound.bytes == R"({"jsonrpc":"2.0","id":1,"result":true})");
  REQUIRE(bound.fds.size() == 1);
  CHECK(inode_of(bound.fds[0]) == inode_of(of.world.socket("http").fd));
  say(client, R"({"jsonrpc":"2.0","id":2,"method":"bind","params":[{"address":"127.0.0.1","port":1}]})");
  const auto refused = of.hear(client, 10);
  CHECK(refused.fds.empty());
  CHECK(refused.bytes == R"({"jsonrpc":"2.0","id":2,"error":{"code":10000,"message":"Could not bind: )"
                         R"(tcp://127.0.0.1:1: no listener has it, and serve.multibinder.allow_bind does not"}})");
  say(client, "rubbish");
  const auto last = of.hear(client, kUntilEnd);
  CHECK(last.bytes == R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":)"
                      R"("Parse error: a request begins with a brace"}})");
  CHECK(last.ended);
}

TEST_CASE("serve: who hangs is dropped, and those who wait for his place get it") {
  Fixture<HaproxySession> of(300ms);
  std::vector<OwnedFd> hanging;
  for (std::size_t i = 0; i < kServeClients; ++i) hanging.push_back(of.connect());
  of.run_until([&] { return of.server->clients() == kServeClients; });
  const OwnedFd patient = of.connect();
  say(patient, "_getsocks\n");
  CHECK(of.hear(patient, 16).fds.size() == 2);
  CHECK(of.hear(hanging.front(), 1).ended);
  CHECK(lines(of.logged).contains("it was not done within 300ms"));
}

TEST_CASE("serve: who lies or floods is dropped") {
  Fixture<HaproxySession> of;
  const OwnedFd liar = of.connect();
  say(liar, "show info\n");
  CHECK(of.hear(liar, 1).ended);
  CHECK(lines(of.logged).contains("it asked for something else than _getsocks"));
  Fixture<MultibinderSession> flooded;
  const OwnedFd flood = flooded.connect();
  say(flood, std::string(64 << 10, '{'));
  CHECK(flooded.hear(flood, kUntilEnd).bytes.contains("the request is too long"));
}

TEST_CASE("serve: nobody who leaves his replies unread is listened to") {
  Fixture<MultibinderSession> of(500ms);
  const OwnedFd client = of.connect();
  const std::string request = R"({"id":1,"method":"x"})";
  const auto push = [&] {
    while (::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) continue;
    return of.server->clients() == 0;
  };
  of.run_until([&] { return of.server->clients() == 1; });
  of.run_until(push);
  CHECK(lines(of.logged).contains("it was not done within 500ms"));
}

TEST_CASE("serve: only admins are let in" * doctest::skip(::geteuid() != 0)) {
  core::ControlPlan control;
  control.operators.users = {"12345"};
  control.admins.users = {"12346"};
  Fixture<UwsgiSession> of(60s, control);
  REQUIRE(::chmod(of.path().c_str(), 0666) == 0);  // as an operator may, so that other admins reach it
  const auto connect_as = [&](uid_t uid) {
    REQUIRE(::syscall(SYS_setresuid, -1, uid, -1) == 0);  // this thread alone, unlike seteuid()
    OwnedFd socket = of.connect();
    REQUIRE(::syscall(SYS_setresuid, -1, 0, -1) == 0);
    return socket;
  };
  const OwnedFd other = connect_as(12345);
  const auto nothing = of.hear(other, kUntilEnd);
  CHECK(nothing.ended);
  CHECK(nothing.bytes.empty());
  CHECK(lines(of.logged).contains("uid 12345): it needs the level admins"));
  const OwnedFd admin = connect_as(12346);
  CHECK(of.hear(admin, kUntilEnd).fds.size() == 2);
}

}  // namespace
}  // namespace liveswap::master
