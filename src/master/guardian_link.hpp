// The master's end of its guardian (wire/guard_messages.hpp): copies of descriptors go there, signals and the ends of
// orphans come from there.
//
//   greet()  once, before the loop runs: who was here before, and what he has left
//   open()   from then on: nothing waits for the guardian; what it cannot take yet is queued, with duplicates of the
//            descriptors
//
// Owned by Master; one thread. Handlers are called from the loop, and may destroy the link only in `gone`.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/keeper.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/pidfd.hpp"
#include "wire/guard_messages.hpp"

namespace liveswap::master {

struct Greeting {
  os::OwnedFd channel;
  wire::guard::Hello hello;
  std::vector<KeptDescriptor> store;                // of an earlier master; empty for the first one
  std::vector<std::vector<std::byte>> early;        // packets that came in between
};

// Waits for the guardian's greeting. An error also where it does not come in time.
[[nodiscard]] os::Result<Greeting> greet_guardian(os::OwnedFd channel);

// Asks a guardian for what it keeps: one that did not start this master, which runs on in place of an earlier one.
[[nodiscard]] os::Result<Greeting> ask_guardian(os::OwnedFd channel);

class GuardianLink {
 public:
  struct Handlers {
    std::function<void(const wire::guard::Signal&)> signal;
    std::function<void(pid_t, const os::ExitStatus&)> ended;  // of a process that had become the guardian's child
    std::function<void(const KeepKey&, int error)> keep_failed;
    std::function<void(int error)> replaced;  // the answer to replace_guardian(); 0: a new one is there
    std::function<void()> gone;               // the last call
  };

  // `early`: packets that came before, as if they came now.
  [[nodiscard]] static os::Result<std::unique_ptr<GuardianLink>> open(loop::Loop& loop, os::OwnedFd channel,
                                                                      std::vector<std::vector<std::byte>> early,
                                                                      Handlers handlers);
  GuardianLink(const GuardianLink&) = delete;
  GuardianLink& operator=(const GuardianLink&) = delete;

  // For a Keeper; must not be used when this is gone.
  [[nodiscard]] Keeper::Store store();

  // Borrow the descriptor during the call.
  void keep(const KeepKey& key, os::FdRef fd);
  void drop(const KeepKey& key);
  void replace_binary(os::FdRef program);
  void replace_guardian(os::FdRef program);
  void notify(const wire::guard::Notify& notification, std::optional<os::FdRef> fd = std::nullopt);

  void say_established();
  // This master exits now; waits a moment until the guardian has been told.
  void say_ending(int status);

  // All that was queued is with the guardian; false where it did not take it in time.
  [[nodiscard]] bool flush(std::chrono::milliseconds patience);
  [[nodiscard]] os::FdRef channel() const { return channel_; }

 private:
  struct Packet {
    std::vector<std::byte> bytes;
    os::OwnedFd fd;
  };
  GuardianLink(loop::Loop& loop, os::OwnedFd channel, Handlers handlers);
  void say(const wire::guard::Message& message, std::optional<os::FdRef> fd = std::nullopt);
  [[nodiscard]] os::Result<bool> send(std::span<const std::byte> bytes, std::optional<os::FdRef> fd) const;
  void send_queued();
  void on_ready(loop::Readiness ready);
  void read_packets();
  void take(std::span<const std::byte> packet, std::size_t descriptors);
  void end();

  os::OwnedFd channel_;
  Handlers handlers_;
  std::deque<Packet> queue_;
  std::vector<std::vector<std::byte>> early_;
  loop::Timer early_timer_;
  std::unique_ptr<loop::FdWatch> watch_;
  bool ended_ = false;
};

}  // namespace liveswap::master
