// A control socket with clients of the test's own that do what no good client does, on a real loop, before a
// master that only remembers.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fake_operations.hpp"
#include "master/control_server.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::master::test {

using wire::Json;

inline std::string call_text(const std::string& method, const std::string& parameters = "{}",
                             const std::string& more = "") {
  return R"({"method":"org.liveswap.Control.)" + method + R"(","parameters":)" + parameters + more + "}" +
         '\0';
}

class ControlFixture {
 public:
  explicit ControlFixture(const core::ControlPlan& plan = {}, const ControlLimits& limits = {}) {
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    auto rules = AccessRules::resolve(plan, ::geteuid());
    REQUIRE(rules);
    REQUIRE(::chmod(folder.c_str(), 0711) == 0);
    auto opened = ControlServer::open(loop, master, log, path(), std::move(*rules), keeper, limits);
    if (!opened) FAIL(opened.error());
    server = std::move(*opened);
  }
  ~ControlFixture() {
    server.reset();
    std::filesystem::remove_all(folder);
  }
  std::string path() const { return folder + "/control.sock"; }

  os::OwnedFd connect() {
    auto socket = os::open_socket(AF_UNIX, SOCK_STREAM);
    REQUIRE(socket);
    REQUIRE(os::connect_to(*socket, *os::SocketAddress::unix_path(path())));
    REQUIRE(os::set_nonblock(*socket, true));
    return std::move(*socket);
  }

  // Lets the loop run until it is so, and fails after ten seconds.
  void run_until(const std::function<bool()>& is_so) {
    loop::Timer patience(loop, [&] {
      MESSAGE("not within ten seconds");
      gave_up = true;
      loop.stop();
    });
    patience.start_after(std::chrono::seconds(10));
    loop::Timer look(loop, [&] { loop.stop(); });
    while (!is_so() && !gave_up) {
      look.start_after(std::chrono::milliseconds(1));
      loop.run();
    }
    CHECK_FALSE(std::exchange(gave_up, false));
  }

  std::string folder = "/tmp/liveswap-control-XXXXXX";
  loop::Loop loop;
  std::vector<std::string> logged;
  Log log{core::LogLevel::debug, core::LogFormat::text,
          [this](std::string_view line) { logged.emplace_back(line); }};
  FakeOperations master;
  Keeper keeper;
  std::unique_ptr<ControlServer> server;
  bool gave_up = false;
};

struct Heard {
  std::string bytes;
  bool ended = false;  // end of file, or a reset
};

inline void hear(os::FdRef socket, Heard& heard) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) heard.bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (got > 0) continue;
    heard.ended = got == 0 || errno == ECONNRESET;
    return;
  }
}

inline std::size_t say(os::FdRef socket, std::string_view bytes) {
  const ssize_t put = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return put < 0 ? 0 : static_cast<std::size_t>(put);
}

inline std::vector<Json> messages_in(const Heard& heard) {
  std::vector<Json> messages;
  for (std::size_t at = 0, end = 0; (end = heard.bytes.find('\0', at)) != std::string::npos; at = end + 1) {
    messages.push_back(Json::parse(heard.bytes.substr(at, end - at)));
  }
  return messages;
}

}  // namespace liveswap::master::test
