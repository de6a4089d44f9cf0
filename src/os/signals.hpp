// Signals by descriptor (signalfd), because only it tells who sent them. Opening blocks the signals in the
// calling thread, so it comes before any other thread is started; they stay blocked when the object dies.
#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <utility>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

struct ReceivedSignal {
  int number = 0;
  pid_t sender_pid = 0;  // 0 where the kernel sent it, or a process outside our pid namespace
  uid_t sender_uid = 0;
  int code = 0;  // SI_USER, SI_QUEUE, SI_TKILL: sent by a process; SI_KERNEL: the terminal and the like
};

class SignalFd {
 public:
  [[nodiscard]] static Result<SignalFd> open(std::span<const int> signals);
  [[nodiscard]] static Result<SignalFd> open(std::initializer_list<int> signals) {
    return open(std::span<const int>(signals.begin(), signals.size()));
  }

  [[nodiscard]] FdRef fd() const { return fd_; }                     // readable when a signal waits
  [[nodiscard]] Result<std::optional<ReceivedSignal>> read() const;  // nullopt: none waits

 private:
  explicit SignalFd(OwnedFd fd) : fd_(std::move(fd)) {}
  OwnedFd fd_;
};

}  // namespace liveswap::os
