// A stage for the core: time that only moves when it is told to, events in short words, actions as lines of
// text.
//
// Every line that starts with a dot is a Tell; the others are asked of the shell. Tests compare whole lists
// of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/core.hpp"

// What the core asked for, as lines; their indentation does not matter.
#define ASKS(actual, expected) CHECK((actual) == ::stage::lines(expected))

namespace stage {

using namespace liveswap::core;
using namespace std::chrono_literals;

std::string render(const ActionList& actions);

// The text with the indentation of each line and empty lines removed.
std::string lines(const std::string& text);

inline constexpr AppId kWeb{1};
inline constexpr AppId kApi{2};

// What is asked for when w2 is ready, the only new worker of an upgrade from g1 of r1 to g2 of r2: it is done. The
// answer to whoever waits for it comes next.
extern const std::string kPlainUpgradeDone;

// The same core, out of the bytes that it saves.
std::unique_ptr<Core> restored(const Core& core);

struct Options {
  OnStartFailure on_start_failure = OnStartFailure::exit;
  ShutdownPolicy shutdown{};
  bool second_app = false;
};

class Stage {
 public:
  explicit Stage(Options options = {});

  // One event now; what the core asks for.
  std::string step(const Event& event);
  // Lets so much time pass, stopping at every deadline: "+100ms" heads what happens at that time after the
  // call.
  std::string pass(Duration time);

  std::string prepared(std::uint64_t release, const AppPolicy& policy, AppId app = kWeb, bool same = false);
  std::string launched(std::uint64_t worker) { return step(Launched{WorkerId{worker}}); }
  std::string ready(std::uint64_t worker) { return step(WorkerReady{WorkerId{worker}}); }
  std::string launch_failed(std::uint64_t worker, Reason reason = Reason::exec_failed);
  std::string exited(std::uint64_t worker, int code = 0, bool tree_gone = true);
  std::string killed(std::uint64_t worker, int signo, bool tree_gone = true);

  // The app web with so many workers, w1 …, all ready as g1 of r1.
  void run_web(const AppPolicy& policy);
  // An upgrade of web as far as the spawn of its first workers; request 1 waits for it.
  std::string upgrade(const AppPolicy& policy, std::uint64_t release = 2,
                      WaitLevel wait = WaitLevel::committed);
  // Launches and makes ready.
  std::string up(std::uint64_t worker);

  // Several of web's workers at once, as in up().
  std::string all_up(std::uint64_t first, std::uint64_t last);

  AppSnapshot web() const { return core_->snapshot().apps.at(0); }
  // Each worker as "w1 g1/0 ready", each empty slot as "g1/0 backoff".
  std::string workers() const;

  Core& core() { return *core_; }
  Time now() const { return now_; }

 private:
  std::unique_ptr<Core> core_;
  Time now_{};
};

AppPolicy policy_of(std::uint32_t workers);
AppPolicy rolling_policy(std::uint32_t workers, std::uint32_t surge, std::uint32_t unavailable);

}  // namespace stage
