// The guardian: keeps what must outlive the master, and starts another master with it when one dies (src/DESIGN.md,
// "The guardian"). One thread, one poll(2), and nothing that parses anybody's bytes but the master's packets.
//
//   starting ──Hello──▶ unestablished ──Established──▶ established ──Ending, and its end──▶ exit with that status
//      ▲                     │                             │
//      └──── a while ◀───────┴──────── it dies ────────────┘
//
// Processes that become its children are orphans of a master's workers: they are reaped when an established master has
// been told of their end, and wait for that as zombies.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "guard/channel.hpp"
#include "guard/start.hpp"
#include "guard/store.hpp"
#include "wire/guard_messages.hpp"

namespace liveswap::guard {

class Guardian {
 public:
  struct Parts {
    int program = -1;       // of the master
    int signals = -1;       // a signalfd
    const char* notify_address = nullptr;  // NOTIFY_SOCKET; null: nobody waits there
    Inheritance inheritance;
    // A master that runs already, and is this process's parent; -1: none.
    int channel = -1;
    int parent = -1;  // its pidfd
  };

  explicit Guardian(const Parts& parts);
  // In place of one that was of another binary, in the same process; of `parts` it takes what that has not left. False:
  // what was left cannot be read.
  [[nodiscard]] bool succeed(int image);
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  // The status that this process is to exit with.
  [[nodiscard]] int run();

 private:
  void start();
  void wait();
  void read_signals();
  void reap();
  void reap_orphans();
  void read_channel();
  void take(Received& received);
  void take(const wire::guard::Message& message, int fd, bool lost_a_descriptor);
  void give_more();
  void become_another(int program);
  void send_signals();
  void master_ended(wire::guard::EndKind kind, int code);
  void plan_restart(bool lived_long);
  [[nodiscard]] bool wants_to_write() const;

  Parts parts_;
  Store store_;
  pid_t master_ = 0;  // 0: none of ours runs
  bool established_ = false;
  bool blocked_ = false;  // the channel takes nothing more for now
  std::optional<std::size_t> giving_;  // which entry is to be given next
  std::vector<wire::guard::Signal> signals_;  // for the master
  std::optional<int> ending_;                 // the status that it ends with
  std::optional<int> result_;                 // this process's
  std::uint32_t deaths_ = 0;
  std::uint32_t unestablished_ = 0;  // deaths of masters in a row that had not taken over
  std::uint32_t quick_ = 0;          // deaths in a row that came soon
  bool without_state_ = false;       // the next master is to leave the state alone
  wire::guard::EndKind last_kind_ = wire::guard::EndKind::unknown;
  int last_code_ = 0;
  std::int64_t started_ms_ = 0;
  std::int64_t tidy_at_ms_ = 0;  // 0: it has been done
  std::int64_t start_at_ms_ = 0;  // of CLOCK_MONOTONIC; while none runs
};

}  // namespace liveswap::guard
