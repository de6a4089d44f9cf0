// The master's end of one process's channel: first liveswap-launch speaks on it, then, where the program keeps it, the
// program. Owned by what has the process; calls back, and never after it was destroyed.
//
//   launching ──EXECUTING──▶ executing ──the program's first message──▶ heard
//       │                        │  closed: the program runs, and has not kept it
//       └──────── FAILED ────────┴──▶ ended
//
// The channel closes at the exec unless the program keeps it, which is the only sure sign that the exec succeeded. A
// program that keeps it counts as running from EXECUTING on; until it is heard, FAILED can still follow.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/worker_keeper.hpp"
#include "os/discard.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/scm.hpp"

namespace liveswap::master {

struct WorkerChannelState;  // workers_state.hpp

class WorkerChannel {
 public:
  struct Handlers {
    std::function<void()> running;
    // "exec ./server: No such file or directory"; empty where the launcher ended without a word.
    std::function<void(const std::string& text)> failed;
    std::function<void(std::span<const std::byte> packet, std::size_t descriptors)> said;  // by the program
    // The launcher has put a seccomp filter into the process, and this answers it. Comes before `running`.
    std::function<void(os::OwnedFd notifier)> filter = {};
  };

  // `kept`: by the program.
  [[nodiscard]] static os::Result<std::unique_ptr<WorkerChannel>> open(loop::Loop& loop, os::OwnedFd end, bool kept,
                                                                       Handlers handlers, KeptPart part = {});
  [[nodiscard]] static os::Result<std::unique_ptr<WorkerChannel>> go_on(loop::Loop& loop, LeftPart left, bool kept,
                                                                        Handlers handlers, WorkerChannelState state);
  [[nodiscard]] WorkerChannelState save() const;
  // The launcher has been waiting for this: it executes the program.
  [[nodiscard]] os::Result<void> let_go();

  WorkerChannel(const WorkerChannel&) = delete;
  WorkerChannel& operator=(const WorkerChannel&) = delete;
  ~WorkerChannel() { os::discard_unread(end_); }

  // A packet that does not fit now is sent as soon as it does. An error: the program has closed its end.
  [[nodiscard]] os::Result<void> send(std::vector<std::byte> packet);

  // The program has left so many packets unread that only what must be said should be sent.
  [[nodiscard]] bool congested() const;

  // The process has ended: reads what it has sent, in which FAILED would be.
  void finish();

 private:
  enum class Phase { launching, executing, heard, ended };

  WorkerChannel(os::OwnedFd end, bool kept, Handlers handlers)
      : end_(std::move(end)), kept_(kept), handlers_(std::move(handlers)) {}
  void on_ready(loop::Readiness ready);
  void on_readable();
  void take(os::ReceivedPacket& packet);
  [[nodiscard]] bool take_from_launcher(os::ReceivedPacket& packet);
  [[nodiscard]] bool take_filter(os::ReceivedPacket& packet);
  void fail(const std::string& text);
  void tell_running();
  void close();
  [[nodiscard]] os::Result<void> send_unsent();

  os::OwnedFd end_;
  KeptPart part_;
  bool kept_;
  Handlers handlers_;
  Phase phase_ = Phase::launching;
  bool told_running_ = false;
  bool restored_ = false;  // what the launcher has said last may have been heard by the master before alone
  std::unique_ptr<loop::FdWatch> watch_;
  std::vector<std::vector<std::byte>> unsent_;
};

}  // namespace liveswap::master
