// What a worker said, whichever protocol it said it by. Texts are fit for a terminal, numbers are in range;
// whether a worker in its present state may say such a thing is for the core to decide.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "core/choices.hpp"

namespace liveswap::protocols {

struct Hello {  // native: the program has been executed and speaks the protocol
  std::string library;
  int pid = 0;
  bool operator==(const Hello&) const = default;
};
struct Ready {
  core::ReadyWhen by = core::ReadyWhen::notify;  // counts where `ready.when` is this
  bool operator==(const Ready&) const = default;
};
struct Stopping {
  bool operator==(const Stopping&) const = default;
};
struct StatusText {
  std::string text;
  bool operator==(const StatusText&) const = default;
};
struct ExtendTimeout {  // from now
  std::chrono::microseconds by{};
  bool operator==(const ExtendTimeout&) const = default;
};
struct WatchdogPing {
  bool operator==(const WatchdogPing&) const = default;
};
struct WatchdogTrigger {  // it asks to be taken for hung
  bool operator==(const WatchdogTrigger&) const = default;
};
struct WatchdogInterval {
  std::chrono::microseconds interval{};
  bool operator==(const WatchdogInterval&) const = default;
};
struct MainPid {  // claimed: believed only of a living descendant of the worker
  int pid = 0;
  bool operator==(const MainPid&) const = default;
};
struct Connections {
  std::uint64_t open = 0;
  bool operator==(const Connections&) const = default;
};
struct Barrier {  // close the attached descriptor, once all that came before is handled
  bool operator==(const Barrier&) const = default;
};
struct Problem {  // something that could not be understood, or is not done; nothing but a line for the log
  std::string text;
  bool operator==(const Problem&) const = default;
};

using WorkerEvent = std::variant<Hello, Ready, Stopping, StatusText, ExtendTimeout, WatchdogPing,
                                 WatchdogTrigger, WatchdogInterval, MainPid, Connections, Barrier, Problem>;

}  // namespace liveswap::protocols
