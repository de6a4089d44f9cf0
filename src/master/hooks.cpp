#include "master/hooks.hpp"

#include <utility>

namespace liveswap::master {

Hooks::Hooks(HookSetup setup, HookRun::Ended ended)
    : setup_(std::move(setup)), ended_(std::move(ended)), begin_(setup_.loop, [this] { begin_waiting(); }) {}

void Hooks::run(HookJob job) {
  apps_[job.ids.app].next = std::move(job);
  begin_.schedule();
}

void Hooks::begin_waiting() {
  for (auto& [id, app] : apps_) {
    if (app.run || !app.next) continue;
    HookJob job = *std::exchange(app.next, std::nullopt);
    const core::RunHook ids = job.ids;
    app.stopped = false;
    app.run = std::make_unique<HookRun>(setup_, std::move(job),
                                        [this](core::HookEnded event) { on_ended(std::move(event)); });
    if (const auto started = app.run->start(); !started) {
      app.run.reset();
      ended_({.app = ids.app, .request = ids.request, .text = started.error()});
    }
  }
}

void Hooks::on_ended(core::HookEnded event) {
  OfApp& app = apps_.at(event.app);
  const bool wanted = !app.stopped;
  app.run.reset();
  if (wanted) ended_(std::move(event));
  if (app.next) begin_.schedule();
}

void Hooks::stop(const core::StopHook& stop) {
  const auto found = apps_.find(stop.app);
  if (found == apps_.end()) return;
  OfApp& app = found->second;
  if (app.next && app.next->ids.request == stop.request) app.next.reset();
  if (!app.run || app.run->request() != stop.request) return;
  app.stopped = true;
  app.run->stop();
}

}  // namespace liveswap::master
