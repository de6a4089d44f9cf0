#include "core/operator.hpp"

#include <string>
#include <utility>

#include "core/slots.hpp"
#include "core/supervisor.hpp"

namespace liveswap::core {

namespace {

void reply(Supervisor& s, RequestId request, Outcome outcome) {
  s.desk.act(Answer{request, std::move(outcome)});
}

void refuse(Supervisor& s, RequestId request, const App& app, Reason reason, std::string text = {}) {
  const Result result = reason == Reason::busy           ? Result::busy
                        : reason == Reason::no_such_slot ? Result::bad_usage
                                                         : Result::failed;
  reply(s, request, outcome_of(app, result, reason, std::move(text)));
}

// The app, if it takes requests at all; otherwise the request is answered.
App* open_app(Supervisor& s, RequestId request, AppId id) {
  App* app = find_app(s, id);
  if (app == nullptr) {
    reply(s, request, {.result = Result::bad_usage, .app = id, .text = "no such app"});
    return nullptr;
  }
  s.touched.insert(id);
  if (!s.shutdown.asked) return app;
  refuse(s, request, *app, Reason::shutting_down);
  return nullptr;
}

// The app, if a rollout can begin; otherwise the request is answered. A first start in trouble stands in no
// one's way: an upgrade may be what mends it.
App* idle_app(Supervisor& s, RequestId request, AppId id) {
  App* app = open_app(s, request, id);
  if (app == nullptr) return nullptr;
  if (app->rollout && !is_retrying_start(*app)) {
    refuse(s, request, *app, Reason::busy);
    return nullptr;
  }
  if (app->stopping || (!app->current && !app->rollout)) {
    refuse(s, request, *app, Reason::not_running);
    return nullptr;
  }
  return app;
}

// The generation that a restart or scale works on; none: the request is answered.
Generation* present_generation(Supervisor& s, RequestId request, App& app) {
  Generation* generation = find_generation(app, app.rollout ? app.rollout->generation : app.current);
  if (generation == nullptr) refuse(s, request, app, Reason::not_running);
  return generation;
}

}  // namespace

void asked(Supervisor& s, const UpgradeAsked& event) {
  if (App* app = idle_app(s, event.request, event.app)) begin_upgrade(s, *app, event);
}

void asked(Supervisor& s, const RestartAsked& event) {
  App* app = idle_app(s, event.request, event.app);
  const Generation* generation = app ? present_generation(s, event.request, *app) : nullptr;
  if (generation == nullptr) return;
  if (event.slot && *event.slot >= generation->size) {
    return refuse(s, event.request, *app, Reason::no_such_slot,
                  "the slots are 0 to " + std::to_string(generation->size - 1));
  }
  begin_restart(s, *app, event);
}

void asked(Supervisor& s, const ScaleAsked& event) {
  App* app = idle_app(s, event.request, event.app);
  const Generation* generation = app ? present_generation(s, event.request, *app) : nullptr;
  if (generation == nullptr) return;
  const bool reset = event.how == ScaleAsked::How::reset;
  const std::int64_t base = event.how == ScaleAsked::How::relative ? generation->size : 0;
  const std::int64_t wanted = reset ? generation->policy->workers : base + event.count;
  if (wanted < 1 || wanted > kWorkersMax) {
    const std::string text = "that would be " + std::to_string(wanted) + " workers; 1 to " +
                             std::to_string(kWorkersMax) + " are possible";
    return reply(s, event.request, outcome_of(*app, Result::bad_usage, Reason::none, text));
  }
  const auto size = static_cast<std::uint32_t>(wanted);
  if (size == generation->size) {
    const bool unpinned = reset && std::exchange(app->scale_override, std::nullopt).has_value();
    const Reason reason = unpinned ? Reason::none : Reason::unchanged;
    return reply(s, event.request, outcome_of(*app, unpinned ? Result::done : Result::unchanged, reason));
  }
  begin_scale(s, *app, event, size, reset ? std::nullopt : std::optional(size));
}

void asked(Supervisor& s, const StartAsked& event) {
  App* app = open_app(s, event.request, event.app);
  if (app == nullptr) return;
  if (app->stopping || app->rollout) return refuse(s, event.request, *app, Reason::busy);
  if (app->listeners_open) return refuse(s, event.request, *app, Reason::already_running);
  await(s, {.id = event.request, .app = app->id, .what = Waiter::For::rollout}, event.timeout);
  app->start_failed = false;
  start_app(s, *app, event.request);
}

// What is adopted is one worker, whatever the release asks for: so nothing can fail that would take it down again.
void asked(Supervisor& s, const AdoptAsked& event) {
  App* app = open_app(s, event.request, event.app);
  if (app == nullptr) return;
  const bool in_trouble = is_retrying_start(*app);
  if (app->stopping || (app->rollout && !in_trouble)) return refuse(s, event.request, *app, Reason::busy);
  if (app->listeners_open && !in_trouble) return refuse(s, event.request, *app, Reason::already_running);
  if (in_trouble) {
    begin_upgrade(s, *app, {.request = event.request, .app = event.app, .timeout = event.timeout});
  } else {
    await(s, {.id = event.request, .app = app->id, .what = Waiter::For::rollout}, event.timeout);
    app->start_failed = false;
    app->pinned = {};
    start_app(s, *app, event.request);
  }
  app->rollout->adopts = true;
}

void asked(Supervisor& s, const StopAsked& event) {
  App* app = open_app(s, event.request, event.app);
  if (app == nullptr) return;
  const bool at_rest = !app->listeners_open && !app->rollout && !app->stopping;
  if (at_rest) return reply(s, event.request, outcome_of(*app, Result::unchanged, Reason::unchanged));
  await(s, {.id = event.request, .app = app->id, .what = Waiter::For::stopped}, event.timeout);
  if (!app->stopping) return stop_app(s, *app, event.now);
  if (event.now) hurry_stop(s, *app);
}

void asked(Supervisor& s, const AbortAsked& event) {
  App* app = open_app(s, event.request, event.app);
  if (app == nullptr) return;
  if (!app->rollout) return refuse(s, event.request, *app, Reason::no_rollout);
  if (app->rollout->kind == RolloutKind::start) {
    return refuse(s, event.request, *app, Reason::no_rollout,
                  "a start has nothing to go back to: liveswapctl stop ends it");
  }
  await(s, {.id = event.request, .app = app->id, .what = Waiter::For::rollback}, kForever);
  if (app->rollout->phase != RolloutPhase::rolling_back) abort_rollout(s, *app);
}

void asked(Supervisor& s, const WaitAsked& event) {
  App* app = open_app(s, event.request, event.app);
  if (app == nullptr) return;
  Waiter waiter{.id = event.request, .app = app->id, .level = event.level};
  const Generation* current = find_generation(*app, app->current);
  if (app->rollout && event.level != WaitLevel::none) {
    waiter.what = Waiter::For::rollout;
  } else if (app->stopping || (current == nullptr && !app->rollout)) {
    return refuse(s, event.request, *app, Reason::not_running);
  } else if (current != nullptr && current->all_gave_up() && event.level != WaitLevel::none) {
    return refuse(s, event.request, *app, Reason::gave_up);
  } else if (event.level == WaitLevel::ready) {
    waiter.what = Waiter::For::strength;
  } else {
    waiter.what = Waiter::For::gone;
    for (const auto& [id, generation] : app->generations) {
      const bool counts = event.level == WaitLevel::drained && generation.draining;
      if (counts) waiter.workers.insert(generation.workers.begin(), generation.workers.end());
    }
  }
  await(s, std::move(waiter), event.timeout);
}

void asked(Supervisor& s, const DrainAsked& event) {
  App* app = open_app(s, event.request, event.app);
  if (app == nullptr) return;
  std::uint32_t count = 0;
  for (auto& [id, generation] : app->generations) {
    if (event.generation && *event.generation != id) continue;
    if (!event.extend) {
      count += cut_generation(s, *app, generation, "by an operator");
      continue;
    }
    std::uint32_t extended = 0;
    for (const WorkerId worker : generation.workers) {
      if (add_drain_time(s.desk, s.workers.at(worker), *event.extend)) extended += 1;
    }
    if (extended == 0) continue;
    Note note = note_of(NoteKind::generation_extended, generation, app->id);
    note.count = extended;
    note.wait = *event.extend;
    s.desk.tell(std::move(note));
    count += extended;
  }
  if (count == 0) return refuse(s, event.request, *app, Reason::no_such_generation);
  const std::string workers = std::to_string(count) + (count == 1 ? " worker " : " workers ");
  const std::string text = workers + (event.extend ? "may drain longer" : "told to stop");
  reply(s, event.request, outcome_of(*app, Result::done, Reason::none, text));
}

void asked(Supervisor& s, const ShutdownAsked& event) {
  if (event.request) await(s, {.id = *event.request, .what = Waiter::For::shutdown}, kForever);
  begin_shutdown(s, event.now, 0);
}

}  // namespace liveswap::core
