// The hooks of all apps: runs what the core asks for. Owned by Master.
//
// One at a time for each app: a hook that was stopped and takes its time to end keeps the next one waiting, since two
// that pull the same directory at once would be worse.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "core/action.hpp"
#include "core/event.hpp"
#include "loop/deferred.hpp"
#include "master/hook_run.hpp"

namespace liveswap::master {

class Hooks {
 public:
  // `ended`: once for each job that was not stopped, never from inside run().
  Hooks(HookSetup setup, HookRun::Ended ended);

  void run(HookJob job);
  void stop(const core::StopHook& stop);

 private:
  struct OfApp {
    std::unique_ptr<HookRun> run;
    bool stopped = false;         // the run: nobody wants its end
    std::optional<HookJob> next;  // waits for the end of a run that was stopped
  };

  void begin_waiting();
  void on_ended(core::HookEnded event);

  HookSetup setup_;
  HookRun::Ended ended_;
  std::map<core::AppId, OfApp> apps_;
  loop::Deferred begin_;
};

}  // namespace liveswap::master
