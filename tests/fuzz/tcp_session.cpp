// A live session of the TCP control port: an input is what a client sends, and the master only remembers. Whatever it
// is, the session ends in good order, what was asked for is answered or taken back, and all that is answered is a line
// of JSON with a command that was asked for.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "loop/timer.hpp"
#include "master/tcp_session.hpp"
#include "os/socket.hpp"
#include "require.hpp"
#include "unit/master/fake_operations.hpp"
#include "wire/json.hpp"

namespace {

using namespace liveswap;

constexpr uid_t kUid = 1000;

// Runs what is due, and nothing that is to come.
void turn(loop::Loop& loop) {
  loop::Timer end(loop, [&loop] { loop.stop(); });
  end.start_after(std::chrono::microseconds(0));
  loop.run();
}

class Session {
 public:
  // `believed`: so often the other end is still its user's.
  Session(wire::control::Level level, int believed) : believed_(believed) {
    auto pair = os::open_socket_pair(SOCK_STREAM | SOCK_NONBLOCK);
    require(pair.has_value(), "a socket pair is there");
    ours_ = std::move(pair->first);
    const auto owner = [this]() -> std::expected<uid_t, std::string> {
      if (believed_-- > 0) return kUid;
      if (believed_ % 2 == 0) return kUid + 1;
      return std::unexpected("gone");
    };
    auto opened = master::TcpSession::open(loop_, master_, std::move(pair->second), {kUid, level, owner}, "/srv", {},
                                           [this](const std::string&) { session_.reset(); });
    require(opened.has_value(), "a session is opened");
    session_ = std::move(*opened);
  }

  void run(std::string_view bytes) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(bytes, '\n'));
    for (int rounds = 0; rounds < 10'000 && session_ && !bytes.empty(); ++rounds) {
      const auto sent =
          ::send(ours_.get(), bytes.data(), std::min<std::size_t>(bytes.size(), 1000), MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      turn(loop_);
      act();
      read();
    }
    ::shutdown(ours_.get(), SHUT_WR);
    for (int rounds = 0; rounds < 10'000 && session_; ++rounds) {
      turn(loop_);
      act();
      read();
    }
    require(!session_, "a client that has gone is forgotten");
    require(master_.requests.empty(), "every request was answered or taken back");
    require(answered_ <= lines, "nothing is answered that was not asked");
  }

 private:
  void act() {
    while (!master_.requests.empty()) master_.answer(master_.requests.begin()->first, {.app = core::AppId{1}});
    for (const auto& counted : std::exchange(master_.message_handlers, {})) counted({1, 2});
  }

  void read() {
    std::array<char, 65536> buffer;
    for (ssize_t got = 0; (got = ::recv(ours_.get(), buffer.data(), buffer.size(), 0)) > 0;) {
      heard_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    for (std::size_t end = 0; (end = heard_.find('\n')) != std::string::npos; heard_.erase(0, end + 1)) {
      const auto answer = wire::parse_json(heard_.substr(0, end));
      require(answer && answer->is_object() && answer->size() == 2 && (*answer)["cmd"].is_string() &&
                  (*answer)["value"].is_string(),
              "what is answered is a command and its result");
      ++answered_;
    }
  }

  int believed_;
  loop::Loop loop_;
  master::test::FakeOperations master_;
  os::OwnedFd ours_;
  std::string heard_;
  std::size_t answered_ = 0;
  std::unique_ptr<master::TcpSession> session_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto level = static_cast<wire::control::Level>(1 + data[0] % 3);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Session(level, data[0] < 128 ? 1000 : data[0] % 4).run(bytes);
  return 0;
}
