// One client of the control socket: reads its calls, has them answered in turn, writes the replies.
//
// Owned by ControlServer. `gone` is called once, from a loop callback, as the last thing that the connection
// does; its owner then destroys it, and with it what the client was waiting for.
//
//   idle ──a call──▶ answering ──last reply──▶ idle        the client closed, or broke a limit ──▶ gone
//
// The client is a stranger. At most one call is answered at a time; further ones stay in the socket. A client
// that does not read its replies is not listened to either; a message that is begun and not ended, and a
// reply that is not read, each have a time limit. An idle client costs its memory and nothing else.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "loop/deferred.hpp"
#include "loop/fd_watch.hpp"
#include "loop/timer.hpp"
#include "master/exchange.hpp"
#include "os/fd.hpp"
#include "os/socket.hpp"
#include "wire/json.hpp"

namespace liveswap::master {

struct ControlLimits {
  std::size_t message_bytes = wire::kMaxJsonBytes;
  std::size_t congested_bytes = std::size_t{256} << 10;  // unread replies, from which on progress is left out
  std::size_t unread_bytes = std::size_t{8} << 20;       // more cannot happen but by a mistake of ours
  std::chrono::microseconds message_time = std::chrono::seconds(30);
  std::chrono::microseconds read_time = std::chrono::seconds(30);
};

class ControlConnection final : private Replies {
 public:
  // `complaint` is "" where the client simply went away, else what it did.
  using Gone = std::function<void(const std::string& complaint)>;

  static os::Result<std::unique_ptr<ControlConnection>> open(loop::Loop& loop, Operations& master,
                                                             os::OwnedFd socket, uid_t uid,
                                                             wire::control::Level level,
                                                             const ControlLimits& limits, Gone gone);
  ~ControlConnection() override;

 private:
  ControlConnection(loop::Loop& loop, Operations& master, os::OwnedFd socket, uid_t uid,
                    wire::control::Level level, const ControlLimits& limits, Gone gone);

  void send(const wire::varlink::Reply& reply) override;
  [[nodiscard]] bool congested() const override { return unsent() > limits_.congested_bytes; }
  [[nodiscard]] std::size_t unsent() const { return out_.size() - sent_; }

  void on_ready(loop::Readiness ready);
  void read_some();
  void write_some();
  void answer_calls();
  void answer(const std::string& message);
  void turn_ended();  // may end in gone_, which destroys this
  void watch_what_matters();
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] bool peer_hung_up() const;
  void drop(std::string complaint);

  Operations& master_;
  os::OwnedFd socket_;
  uid_t uid_;
  wire::control::Level level_;
  ControlLimits limits_;
  Gone gone_;

  wire::varlink::Splitter in_;
  std::string out_;
  std::size_t sent_ = 0;    // of out_
  bool answering_ = false;  // a call has been taken, and its last reply has not been sent
  bool oneway_ = false;     // that call wants no reply
  bool ended_ = false;      // the client sends no more
  bool dropped_ = false;
  std::string complaint_;
  bool message_begun_ = false;
  bool reply_unread_ = false;

  std::unique_ptr<Pending> pending_;
  loop::Deferred later_;
  loop::Timer message_timer_;
  loop::Timer read_timer_;
  std::unique_ptr<loop::FdWatch> watch_;
};

}  // namespace liveswap::master
