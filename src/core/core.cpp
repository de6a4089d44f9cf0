#include "core/core.hpp"

#include <cassert>
#include <string>
#include <utility>

#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "core/operator.hpp"
#include "core/persist_state.hpp"
#include "core/slots.hpp"
#include "core/snapshots.hpp"
#include "core/state_check.hpp"
#include "core/supervisor.hpp"
#include "core/text.hpp"

namespace liveswap::core {

namespace {

// One small function for each event. What it is about may be gone already: then nothing happens.
class Handler {
 public:
  explicit Handler(Supervisor& supervisor) : s_(supervisor) {}

  void operator()(const Begun&) {
    if (s_.shutdown.asked) return;
    for (auto& [id, app] : s_.apps) {
      s_.touched.insert(id);
      start_app(s_, app, std::nullopt);
    }
  }

  void operator()(const Resumed& event) { resume(s_, event); }

  void operator()(const TimePassed&) {
    while (const auto due = s_.desk.timers.take_due(s_.desk.now)) timer_passed(*due);
  }

  void operator()(const HookEnded& event) {
    if (App* app = touch(event.app)) hook_ended(s_, *app, event);
  }
  void operator()(const ReleasePrepared& event) {
    if (App* app = touch(event.app)) release_prepared(s_, *app, event);
  }
  void operator()(const ReleaseRefused& event) {
    if (App* app = touch(event.app)) release_refused(s_, *app, event);
  }
  void operator()(const ListenersOpened& event) {
    if (App* app = touch(event.app)) listeners_opened(s_, *app);
  }
  void operator()(const ListenersFailed& event) {
    if (App* app = touch(event.app)) listeners_failed(s_, *app, event.text);
  }
  void operator()(const ListenersQuiet& event) {
    if (App* app = touch(event.app)) listeners_quiet(s_, *app);
  }

  void operator()(const Steered& event) {
    if (App* app = touch(event.app)) steered(*app);
  }
  void operator()(const SteerFailed& event) {
    if (App* app = touch(event.app)) steer_failed(s_, *app, event.text);
  }

  void operator()(const Launched& event) {
    if (Worker* worker = touch(event.worker)) worker_launched(s_.desk, *worker);
  }

  void operator()(const LaunchFailed& event) {
    const Worker* found = touch(event.worker);
    if (found == nullptr || found->main_gone) return;
    const Worker worker = *found;
    const Failure failure{.reason = event.reason, .text = event.text};
    s_.desk.tell(with(note_of(NoteKind::worker_launch_failed, worker), failure));
    left(worker, failure, true);
  }

  void operator()(const WorkerReady& event) {
    Worker* worker = touch(event.worker);
    if (worker == nullptr || worker->state != WorkerState::starting) return;
    worker_ready(s_.desk, *worker);
    slot_ready(s_, *worker);
  }

  void operator()(const WorkerStarved& event) {
    if (Worker* worker = touch(event.worker)) worker_starved(s_.desk, *worker);
  }
  void operator()(const WorkerEmpty& event) {
    if (Worker* worker = touch(event.worker)) worker_empty(s_.desk, *worker);
  }

  // Only a worker that serves can leave by itself; one that says so before it is ready is expected to exit,
  // and that is its failure.
  void operator()(const WorkerStopping& event) {
    Worker* worker = touch(event.worker);
    if (worker == nullptr || worker->state != WorkerState::ready) return;
    worker_leaves_by_itself(s_.desk, *worker);
    slot_lost(s_, *worker, {.reason = Reason::none, .text = "it left by itself"}, true);
  }

  void operator()(const DeadlineExtended& event) {
    if (const Worker* worker = touch(event.worker)) extend_deadline(s_.desk, *worker, event.by);
  }
  void operator()(const WatchdogPinged& event) {
    if (Worker* worker = touch(event.worker)) worker_pinged(s_.desk, *worker);
  }
  void operator()(const WatchdogTriggered& event) {
    Worker* worker = touch(event.worker);
    if (worker != nullptr && !worker->main_gone) hangs(*worker, "it asked to be taken for hung");
  }
  void operator()(const WatchdogChanged& event) {
    if (Worker* worker = touch(event.worker)) set_watchdog(s_.desk, *worker, event.interval);
  }

  void operator()(const WorkerExited& event) {
    Worker* found = touch(event.worker);
    if (found == nullptr || found->main_gone) return;
    const Worker worker = *found;
    Failure failure{.reason = worker.ready_since ? Reason::none : Reason::exited_before_ready,
                    .text = text_of(event.status),
                    .last_lines = event.last_lines,
                    .status = event.status};
    Note note = note_of(worker.serves() ? NoteKind::worker_died : NoteKind::worker_exited, worker);
    note.status = event.status;
    note.text = failure.text;
    if (worker.serves()) note.last_lines = event.last_lines;
    s_.desk.tell(std::move(note));
    if (Failure* earlier = failure_of(worker)) earlier->last_lines = event.last_lines;
    if (!event.tree_gone) end_leftovers(s_.desk, *found);
    left(worker, failure, event.tree_gone);
  }

  void operator()(const TreeGone& event) {
    const Worker* worker = touch(event.worker);
    if (worker != nullptr && worker->main_gone) worker_gone(s_, event.worker);
  }

  void operator()(const RequestGone& event) { forget_request(s_, event.request); }

  template <class Asked>
  void operator()(const Asked& event) {
    asked(s_, event);
  }

 private:
  App* touch(AppId id) {
    App* app = find_app(s_, id);
    if (app != nullptr) s_.touched.insert(id);
    return app;
  }

  Worker* touch(WorkerId id) {
    Worker* worker = find_worker(s_, id);
    if (worker != nullptr) s_.touched.insert(worker->app);
    return worker;
  }

  // What a worker spoilt before its end, by being late; only now is known what it had to say.
  Failure* failure_of(const Worker& worker) {
    App& app = app_of(s_, worker);
    Failure* failure = nullptr;
    if (app.rollout) failure = &app.rollout->failure;
    if (app.stopping && app.stopping->failure) failure = &*app.stopping->failure;
    return failure != nullptr && failure->worker == worker.id ? failure : nullptr;
  }

  // The main process has ended, or never ran; `worker` is how it was before that.
  void left(const Worker& worker, const Failure& failure, bool nothing_left) {
    if (nothing_left) {
      worker_gone(s_, worker.id);
    } else {
      rollout_sees_end(app_of(s_, worker), worker.id);
    }
    slot_lost(s_, worker, failure);
    slot_freed(s_, worker);
  }

  void hangs(Worker& worker, std::string text) {
    if (worker.state == WorkerState::stopping) return;
    abort_worker(s_.desk, worker);
    slot_lost(s_, worker, {.reason = Reason::watchdog_timeout, .text = std::move(text)});
  }

  void state_time_is_up(Worker& worker) {
    if (worker.state != WorkerState::starting) {
      leaving_time_is_up(s_.desk, worker);
      // What SIGKILL did not end is out of anyone's hands; a rollout's verdict does not wait for it.
      if (worker.kills > 1) rollout_sees_end(app_of(s_, worker), worker.id);
      return;
    }
    drain_worker(s_.desk, worker, Reason::ready_timeout);
    slot_lost(s_, worker,
              {.reason = Reason::ready_timeout,
               .text = "not ready after " + text_of(worker.policy->ready_timeout)});
  }

  void timer_passed(const TimerKey& timer) {
    switch (timer.kind) {
      case TimerKind::worker:
        if (Worker* worker = touch(WorkerId{timer.owner})) state_time_is_up(*worker);
        return;
      case TimerKind::starve:
        if (Worker* worker = touch(WorkerId{timer.owner})) worker_starved(s_.desk, *worker);
        return;
      case TimerKind::watchdog:
        if (Worker* worker = touch(WorkerId{timer.owner})) {
          hangs(*worker, "no sign of life for " + text_of(worker->watchdog.value_or(Duration::zero())));
        }
        return;
      case TimerKind::slot:
        if (App* app = touch(AppId{timer.owner})) slot_is_due(s_, *app, timer.generation, timer.slot);
        return;
      case TimerKind::prepare:
        if (App* app = touch(AppId{timer.owner})) prepare_again(s_, *app);
        return;
      case TimerKind::steer:
        touch(AppId{timer.owner});
        return;
      case TimerKind::quiesce:
        if (App* app = touch(AppId{timer.owner})) listeners_quiet(s_, *app);
        return;
      case TimerKind::request: return request_timed_out(s_, RequestId{timer.owner});
      case TimerKind::shutdown_delay: return end_shutdown_delay(s_);
      case TimerKind::shutdown_drain: return cut_shutdown_drain(s_);
    }
  }

  Supervisor& s_;
};

// Until nothing is left to decide. Deciding can make a deadline that is due at once (a time-out of zero).
void settle_all(Supervisor& s, bool time_passed) {
  Handler handler(s);
  do {
    while (!s.touched.empty()) {
      const AppId id = *s.touched.begin();
      s.touched.erase(s.touched.begin());
      settle(s, s.apps.at(id));
    }
    settle_shutdown(s);
    if (time_passed) handler(TimePassed{});
  } while (!s.touched.empty());
}

}  // namespace

struct Core::State {
  Supervisor supervisor;
};

Core::Core(Setup setup) : state_(std::make_unique<State>()) {
  Supervisor& s = state_->supervisor;
  for (const AppSetup& app : setup.apps) s.apps.emplace(app.id, App{.id = app.id, .name = app.name});
  s.setup = std::move(setup);
}

Core::~Core() = default;

void Core::save(ArchiveWriter& archive) const { archive(state_->supervisor); }

std::expected<std::unique_ptr<Core>, std::string> Core::restore(ArchiveReader& archive) {
  auto core = std::make_unique<Core>(Setup{});
  Supervisor& s = core->state_->supervisor;
  archive(s);
  if (archive.failed()) return std::unexpected("its apps cannot be understood");
  if (auto wrong = find_contradiction(s)) return std::unexpected("it contradicts itself: " + *wrong);
  return core;
}

void Core::step(Time now, const Event& event, ActionList& out) {
  Supervisor& s = state_->supervisor;
  assert(now >= s.desk.now);
  s.desk.now = now;
  s.desk.out = &out;
  std::visit(Handler(s), event);
  settle_all(s, std::holds_alternative<TimePassed>(event));
  s.desk.out = nullptr;
}

Time Core::next_deadline() const { return state_->supervisor.desk.timers.next(); }

Snapshot Core::snapshot() const { return snapshot_of(state_->supervisor); }

ReleaseId Core::serving_release(AppId id) const {
  const App* app = find_app(state_->supervisor, id);
  const Generation* serving = app == nullptr ? nullptr : serving_generation(*app);
  return serving == nullptr ? ReleaseId{} : serving->release;
}

}  // namespace liveswap::core
