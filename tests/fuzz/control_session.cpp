// A live connection of the control socket: an input is what a client sends, and the master only remembers.
// Whatever it is, the connection ends in good order, everything that was asked for is answered or taken back,
// and all that is replied is Varlink.
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>

#include "loop/timer.hpp"
#include "master/control_connection.hpp"
#include "os/socket.hpp"
#include "require.hpp"
#include "unit/master/fake_operations.hpp"
#include "wire/varlink.hpp"

namespace {

using namespace liveswap;

// Runs what is due, and nothing that is to come.
void turn(loop::Loop& loop) {
  loop::Timer end(loop, [&loop] { loop.stop(); });
  end.start_after(std::chrono::microseconds(0));
  loop.run();
}

class Session {
 public:
  explicit Session(wire::control::Level level) : splitter_(std::size_t{64} << 20) {
    auto pair = os::open_socket_pair(SOCK_STREAM | SOCK_NONBLOCK);
    require(pair.has_value(), "a socket pair is there");
    ours_ = std::move(pair->first);
    master_.rows.push_back({.name = "http"});
    master_.state.apps.push_back(master::test::app_called("api", 2));
    for (int i = 0; i < 20; ++i) master_.lines.push_back({.app = "web", .text = "line"});
    auto opened = master::ControlConnection::open(loop_, master_, std::move(pair->second), 1000, level, {},
                                                  [this](const std::string&) { connection_.reset(); });
    require(opened.has_value(), "a connection is opened");
    connection_ = std::move(*opened);
  }

  void run(std::string_view bytes) {
    for (int rounds = 0; rounds < 10'000 && connection_ && !bytes.empty(); ++rounds) {
      const auto sent =
          ::send(ours_.get(), bytes.data(), std::min<std::size_t>(bytes.size(), 1000), MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      turn(loop_);
      act();
      read();
    }
    ::shutdown(ours_.get(), SHUT_WR);
    turn(loop_);
    act();
    read();
    ours_.reset();
    for (int rounds = 0; rounds < 100 && connection_; ++rounds) {
      turn(loop_);
      act();
    }
    require(!connection_, "a client that has gone is forgotten");
    require(master_.requests.empty(), "every request was answered or taken back");
    require(master_.tickets.next_deadline() == core::kNever, "no ticket waits");
    require(master_.event_followers.empty() && master_.line_followers.empty(), "nobody follows who has gone");
  }

 private:
  // The master goes on meanwhile: something happens, a line is written, what was asked for ends.
  void act() {
    master_.tell({.app = "web", .text = "something"});
    master_.write_line({.app = "web", .text = "line"});
    while (!master_.requests.empty())
      master_.answer(master_.requests.begin()->first, {.app = core::AppId{1}});
  }

  void read() {
    std::array<char, 65536> buffer;
    for (ssize_t got = 0; (got = ::recv(ours_.get(), buffer.data(), buffer.size(), 0)) > 0;) {
      require(splitter_.feed({buffer.data(), static_cast<std::size_t>(got)}).has_value(),
              "replies are bounded");
    }
    while (const auto message = splitter_.next()) {
      require(wire::varlink::parse_reply(*message).has_value(), "what is replied is a reply");
    }
  }

  loop::Loop loop_;
  master::test::FakeOperations master_;
  os::OwnedFd ours_;
  wire::varlink::Splitter splitter_;
  std::unique_ptr<master::ControlConnection> connection_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto level = static_cast<wire::control::Level>(1 + data[0] % 3);
  Session(level).run({reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
