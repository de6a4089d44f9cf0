// The control socket itself: its file, whom it lets in, and how many.
#include "master/control_server.hpp"

#include <fcntl.h>
#include <sys/syscall.h>

#include "control_fixture.hpp"
#include "os/scm.hpp"
#include "os/socket_option.hpp"

namespace liveswap::master {
namespace {

using namespace test;
using namespace std::chrono_literals;
using namespace std::string_literals;

mode_t mode_of(const std::string& path) {
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

TEST_CASE("the socket is its owner's alone, and everybody's where others are listed") {
  ControlFixture alone;
  CHECK(mode_of(alone.path()) == 0600);
  core::ControlPlan plan;
  plan.observers.users = {"0"};
  ControlFixture listed(plan);
  CHECK(mode_of(listed.path()) == 0666);
}

TEST_CASE("the socket's file goes with the server, unless it is another's by then") {
  ControlFixture control;
  control.server.reset();
  CHECK_FALSE(std::filesystem::exists(control.path()));

  ControlFixture replaced;
  REQUIRE(::unlink(replaced.path().c_str()) == 0);
  auto other = os::open_socket(AF_UNIX, SOCK_STREAM);
  REQUIRE(os::bind_socket(*other, *os::SocketAddress::unix_path(replaced.path())));
  replaced.server.reset();
  CHECK(std::filesystem::exists(replaced.path()));
}

TEST_CASE("a socket that nobody has is replaced, and one that somebody has is left alone") {
  ControlFixture control;
  Keeper keeper;
  auto rules = AccessRules::resolve({}, ::geteuid());
  const auto second = ControlServer::open(control.loop, control.master, control.log, control.path(), *rules, keeper);
  REQUIRE_FALSE(second);
  CHECK(second.error().starts_with("the control socket: " + control.path() + " is in use"));

  const std::string stale = control.folder + "/stale.sock";
  {
    auto dead = os::open_socket(AF_UNIX, SOCK_STREAM);
    REQUIRE(os::bind_socket(*dead, *os::SocketAddress::unix_path(stale)));
  }
  CHECK(ControlServer::open(control.loop, control.master, control.log, stale, *rules, keeper));

  const std::string file = control.folder + "/file";
  os::OwnedFd made{os::adopt, ::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)};
  CHECK_FALSE(ControlServer::open(control.loop, control.master, control.log, file, *rules, keeper));
  CHECK(std::filesystem::exists(file));
}

TEST_CASE("a symbolic link where the socket should be is neither followed nor removed") {
  ControlFixture control;
  Keeper keeper;
  const auto rules = AccessRules::resolve({}, ::geteuid());
  const std::string link = control.folder + "/link.sock", dead = control.folder + "/dead.sock";
  {
    auto socket = os::open_socket(AF_UNIX, SOCK_STREAM);
    REQUIRE(os::bind_socket(*socket, *os::SocketAddress::unix_path(dead)));
  }
  REQUIRE(::symlink(dead.c_str(), link.c_str()) == 0);
  const auto opened = ControlServer::open(control.loop, control.master, control.log, link, *rules, keeper);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().contains("a symbolic link is there, which is not replaced"));
  CHECK(std::filesystem::is_symlink(link));
  CHECK(std::filesystem::exists(dead));
}

TEST_CASE("a descriptor that a client sends is refused, where the kernel can, and does no harm where it cannot") {
  ControlFixture control;
  const auto client = control.connect();
  const os::FdRef passed[] = {os::FdRef(0)};
  const std::string call = call_text("Version");
  const auto sent = os::send_some(client, std::as_bytes(std::span(call)), passed);
  constexpr os::SocketOption kPassRights{SOL_SOCKET, 83, "SO_PASSRIGHTS"};
  if (os::set_option(*os::open_socket(AF_UNIX, SOCK_STREAM), kPassRights, 0)) {
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == EPERM);
    say(client, call);
  }
  Heard heard;
  control.run_until([&] {
    hear(client, heard);
    return !messages_in(heard).empty();
  });
}

TEST_CASE("many clients that do nothing leave room for the master's user, and the rest are told") {
  ControlFixture control;
  std::vector<os::OwnedFd> crowd;
  for (std::size_t i = 0; i < kControlClients; ++i) {
    crowd.push_back(control.connect());
    control.run_until([&] { return control.server->clients() == i + 1; });
  }
  const auto late = control.connect();
  Heard heard;
  control.run_until([&] {
    hear(late, heard);
    return heard.ended;
  });
  REQUIRE(messages_in(heard).size() == 1);
  CHECK(messages_in(heard)[0]["error"] == "org.liveswap.Control.Failed");
  CHECK(messages_in(heard)[0]["parameters"]["outcome"]["reason"] == "too_many_clients");
  crowd.pop_back();
  control.run_until([&] { return control.server->clients() == kControlClients - 1; });
  const auto next = control.connect();
  say(next, call_text("Ping"));
  Heard answer;
  control.run_until([&] {
    hear(next, answer);
    return !answer.bytes.empty();
  });
}

// Connects as another user: the kernel takes down who it was when connect() is called.
os::OwnedFd connect_as(ControlFixture& control, uid_t uid) {
  REQUIRE(::syscall(SYS_setresuid, -1, uid, -1) == 0);  // this thread alone, unlike seteuid()
  auto socket = control.connect();
  REQUIRE(::syscall(SYS_setresuid, -1, 0, -1) == 0);
  return socket;
}

TEST_CASE("a stranger is told which level he lacks, and not a byte of his is read" *
          doctest::skip(::geteuid() != 0)) {
  core::ControlPlan plan;
  plan.operators.users = {"12345"};
  ControlFixture control(plan);
  const auto stranger = connect_as(control, 65534);
  say(stranger, call_text("Shutdown"));
  Heard heard;
  control.run_until([&] {
    hear(stranger, heard);
    return heard.ended;
  });
  REQUIRE(messages_in(heard).size() == 1);
  const Json message = messages_in(heard)[0];
  CHECK(message["error"] == "org.liveswap.Control.Denied");
  CHECK(message["parameters"]["level"] == "observers");
  CHECK(message["parameters"]["outcome"]["text"] ==
        "the control socket needs the level observers, and neither uid 65534 nor its groups are listed at "
        "any level "
        "(control: in the configuration)");
  CHECK(control.server->clients() == 0);
  CHECK(control.master.posted.empty());

  const auto listed = connect_as(control, 12345);
  say(listed, call_text("Ping") + call_text("Signal", R"({"signal":"TERM"})"));
  Heard answers;
  control.run_until([&] {
    hear(listed, answers);
    return messages_in(answers).size() == 2;
  });
  CHECK(messages_in(answers)[0]["parameters"].contains("pid"));
  CHECK(messages_in(answers)[1]["error"] == "org.liveswap.Control.Denied");
}

TEST_CASE("a user who takes all places leaves some to others" * doctest::skip(::geteuid() != 0)) {
  core::ControlPlan plan;
  plan.observers.users = {"12345", "12346"};
  ControlFixture control(plan);
  std::vector<os::OwnedFd> crowd;
  for (std::size_t i = 0; i < kControlClientsOfUser + 10; ++i) {
    crowd.push_back(connect_as(control, 12345));
    control.run_until([] { return true; });
  }
  control.run_until([&] { return control.server->clients() == kControlClientsOfUser; });
  const auto other = connect_as(control, 12346);
  control.run_until([&] { return control.server->clients() == kControlClientsOfUser + 1; });
}

TEST_CASE("complaints are told once a second at most") {
  ControlFixture control;
  for (int i = 0; i < 50; ++i) {
    const auto client = control.connect();
    say(client, "x\0"s);
    Heard heard;
    control.run_until([&] {
      hear(client, heard);
      return heard.ended;
    });
  }
  CHECK(control.logged.size() <= 2);
}

}  // namespace
}  // namespace liveswap::master
