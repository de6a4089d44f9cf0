// One client of the TCP control port: reads requests, a line each, has them answered in turn, writes the answers.
//
// Owned by TcpControl. `gone` is called once, from a loop callback, as the last thing that the session does; its owner
// then destroys it.
//
// Anyone on this machine can connect, a web page in a browser too: whose connection it is, the kernel is asked at the
// beginning and again before anything is done; what does not begin with a `{` is closed unread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "loop/deferred.hpp"
#include "loop/fd_watch.hpp"
#include "loop/timer.hpp"
#include "master/exchange.hpp"
#include "os/fd.hpp"
#include "wire/line_reader.hpp"

namespace liveswap::master {

struct TcpLimits {
  std::size_t line_bytes = std::size_t{64} << 10;
  std::chrono::microseconds line_time = std::chrono::seconds(10);  // for a line that is begun
  std::chrono::microseconds idle_time = std::chrono::seconds(60);  // without a request
};

class TcpSession final : private Replies {
 public:
  // `complaint` is "" where the client simply went away, else what it did.
  using Gone = std::function<void(const std::string& complaint)>;
  // Whose the other end is now; the error says why nobody's.
  using Owner = std::function<std::expected<uid_t, std::string>()>;

  struct Peer {
    uid_t uid = 0;
    wire::control::Level level = wire::control::Level::none;
    Owner owner;
  };

  // `folder`: what the paths of requests are relative to.
  static os::Result<std::unique_ptr<TcpSession>> open(loop::Loop& loop, Operations& master, os::OwnedFd socket,
                                                      Peer peer, std::string folder, const TcpLimits& limits,
                                                      Gone gone);
  ~TcpSession() override;

 private:
  TcpSession(loop::Loop& loop, Operations& master, os::OwnedFd socket, Peer peer, std::string folder,
             const TcpLimits& limits, Gone gone);

  void send(const wire::varlink::Reply& reply) override;
  [[nodiscard]] bool congested() const override { return false; }

  void on_readable();
  void read_some();
  void take(std::optional<std::string_view> line);
  void answer_lines();
  void answer(const std::string& line);
  void write(std::string_view value);
  void turn_ended();  // may end in gone_, which destroys this
  void watch_what_matters();
  void drop(std::string complaint);

  Operations& master_;
  os::OwnedFd socket_;
  Peer peer_;
  std::string folder_;
  TcpLimits limits_;
  Gone gone_;

  wire::LineReader in_;
  std::deque<std::string> lines_;
  std::string cmd_;         // of the request that is being answered
  bool begun_ = false;      // a first byte has come
  bool answering_ = false;
  bool ended_ = false;      // the client sends no more
  bool dropped_ = false;
  std::string complaint_;
  enum class Waiting { nothing, request, line_end } waiting_ = Waiting::nothing;

  std::unique_ptr<Pending> pending_;
  loop::Deferred later_;
  loop::Timer patience_;
  std::unique_ptr<loop::FdWatch> watch_;
};

}  // namespace liveswap::master
