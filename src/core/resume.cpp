// A new master goes on: what was asked of the one before, and may never be answered, is asked for again.
#include <algorithm>

#include "core/operator.hpp"
#include "core/rollout_steps.hpp"
#include "core/supervisor.hpp"

namespace liveswap::core {

namespace {

// Whichever of them is in force: until the shell has said so of what is asked for next, all of these may get new
// connections.
void steer_again(App& app) {
  Steering& steering = app.steering;
  for (const auto& asked : steering.unanswered) steering.in_force.insert(asked.begin(), asked.end());
  steering.unanswered.clear();
  steering.unsure = true;
}

void ask_rollout_again(Supervisor& s, App& app, const Resumed& event) {
  Rollout& rollout = *app.rollout;
  if (rollout.prepare_pending) {
    s.desk.act(PrepareRelease{app.id, rollout.release, rollout.request, rollout.target});
  }
  if (!rollout.hook_pending || !rollout.request) return;
  if (std::ranges::find(event.hooks, *rollout.request) != event.hooks.end()) return;
  hook_ended(s, app, {.app = app.id, .request = *rollout.request, .text = "the master ended while it ran"});
}

}  // namespace

void resume(Supervisor& s, const Resumed& event) {
  for (auto& [id, app] : s.apps) {
    s.touched.insert(id);
    // Of several, with stops in between, the last one counts; where that was a stop, they are closed.
    const bool opening = app.rollout && app.rollout->opening;
    app.opens_pending = opening ? 1 : 0;
    if (opening) {
      s.desk.act(OpenListeners{id});
    } else if (app.listeners_open) {
      s.desk.act(ReassertListeners{id});
    }
    if (app.stopping && app.stopping->quiescing) s.desk.act(QuiesceListeners{id});
    steer_again(app);
    if (app.rollout) ask_rollout_again(s, app, event);
  }
  for (const auto& [id, worker] : s.workers) {
    if (worker.starving == Starving::begun) s.desk.act(Starve{id});
  }
}

}  // namespace liveswap::core
