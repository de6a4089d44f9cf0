#include "subject.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"

namespace sim {

namespace {

struct Row {
  Bug bug;
  std::string_view name, what;
};

constexpr auto kBugs = std::to_array<Row>({
#define BUG(name, what) {Bug::name, #name, what},
#include "bugs.def"
#undef BUG
});

}  // namespace

std::string_view name_of(Bug bug) {
  for (const Row& row : kBugs) {
    if (row.bug == bug) return row.name;
  }
  return "none";
}

std::optional<Bug> bug_named(std::string_view name) {
  for (const Row& row : kBugs) {
    if (row.name == name) return row.bug;
  }
  return std::nullopt;
}

std::string list_of_bugs() {
  std::string text;
  for (const Row& row : kBugs) text += std::string(row.name) + ": " + std::string(row.what) + "\n";
  return text;
}

std::string Subject::restart() {
  ArchiveWriter saved, again;
  core_->save(saved);
  const std::vector<std::byte> bytes(saved.bytes().begin(), saved.bytes().end());
  const bool stale = bug_ == Bug::restore_stale && !saved_before_.empty();
  ArchiveReader reader(stale ? saved_before_ : bytes, kArchiveVersion);
  auto next = Core::restore(reader);
  if (!next) return "what was saved is refused: " + next.error();
  if (!reader.at_end()) return "not all of what was saved is read";
  (*next)->save(again);
  if (!stale && !std::ranges::equal(bytes, again.bytes())) return "what was restored is not what was saved";
  core_ = std::move(*next);
  if (bug_ == Bug::lose_requests) lose_requests();
  saved_before_ = bytes;
  return "";
}

void Subject::lose_requests() {
  ActionList answers;
  for (const RequestId request : asked_) core_->step(now_, RequestGone{request}, answers);
}

void Subject::step(Time now, const Event& event, ActionList& out) {
  now_ = now;
  if (is_lost(event)) return;
  ActionList actions;
  step_core(now, event, actions);
  note(event, actions);
  if (bug_ == Bug::signal_the_dead && std::holds_alternative<TreeGone>(event)) {
    out.push_back(SignalWorker{std::get<TreeGone>(event).worker, SIGKILL, true});
  }
  for (const Action& action : actions) pass_on(action, out);
}

void Subject::step_core(Time now, const Event& event, ActionList& actions) {
  const auto* hook = std::get_if<HookEnded>(&event);
  const auto* starved = std::get_if<WorkerStarved>(&event);
  if (bug_ == Bug::ignore_hook && hook != nullptr) {
    core_->step(now, HookEnded{.app = hook->app, .request = hook->request, .ok = true}, actions);
  } else {
    core_->step(now, event, actions);
  }
  if (bug_ == Bug::stop_before_empty && starved != nullptr) core_->step(now, WorkerEmpty{starved->worker}, actions);
  // Its own word is taken for the shell's.
  if (bug_ != Bug::commit_before_steered && bug_ != Bug::forget_steer) return;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    if (const auto* steer = std::get_if<Steer>(&actions[i])) core_->step(now, Steered{steer->app}, actions);
  }
}

// What the mutations need to know.
void Subject::note(const Event& event, const ActionList& actions) {
  if (const auto* asked = std::get_if<UpgradeAsked>(&event)) asked_.insert(asked->request);
  if (const auto* launched = std::get_if<Launched>(&event)) launched_.insert(launched->worker);
  if (const auto* prepared = std::get_if<ReleasePrepared>(&event)) {
    policies_[{prepared->app, prepared->release}] = prepared->policy;
  }
  if (const auto* ready = std::get_if<WorkerReady>(&event)) ready_.insert(ready->worker);
  if (const auto* exited = std::get_if<WorkerExited>(&event)) ready_.erase(exited->worker);
  for (const Action& action : actions) {
    if (const auto* asked = std::get_if<AskDrain>(&action)) {
      ready_.erase(asked->worker);
      draining_.insert(asked->worker);
    }
    const auto* tell = std::get_if<Tell>(&action);
    if (tell == nullptr || tell->note.kind != NoteKind::generation_cut) continue;
    for (const auto& [worker, seat] : seats_) {
      if (seat.app == tell->note.app && seat.generation == tell->note.generation) cut_.insert(worker);
    }
  }
}

bool Subject::is_lost(const Event& event) const {
  const bool is_answer = std::holds_alternative<Steered>(event) || std::holds_alternative<SteerFailed>(event);
  if (bug_ == Bug::commit_before_steered) return is_answer;
  if (bug_ == Bug::forget_starved) return std::holds_alternative<WorkerStarved>(event);
  if (bug_ == Bug::forget_empty) return std::holds_alternative<WorkerEmpty>(event);
  if (bug_ == Bug::forget_to_resume) return std::holds_alternative<Resumed>(event);
  if (bug_ == Bug::miss_deadline) return std::holds_alternative<TimePassed>(event);
  if (bug_ != Bug::never_close_generation) return false;
  const auto* exited = std::get_if<WorkerExited>(&event);
  return exited != nullptr && draining_.contains(exited->worker);
}

void Subject::pass_on(const Action& action, ActionList& out) {
  if (const auto* spawn = std::get_if<Spawn>(&action)) return alter(*spawn, out);
  if (const auto* signal = std::get_if<SignalWorker>(&action)) return alter(*signal, out);
  if (const auto* answer = std::get_if<Answer>(&action)) return alter(*answer, out);
  if (const auto* steer = std::get_if<Steer>(&action)) return alter(*steer, out);
  const auto* starve = std::get_if<Starve>(&action);
  if (bug_ == Bug::starve_too_early && starve != nullptr) return;  // it has been
  if (bug_ == Bug::drop_ask_drain && std::holds_alternative<AskDrain>(action)) return;
  out.push_back(action);
  if (bug_ == Bug::close_at_once && std::holds_alternative<QuiesceListeners>(action)) {
    out.push_back(CloseListeners{std::get<QuiesceListeners>(action).app});
  }
  if (bug_ == Bug::ask_before_starved && starve != nullptr) {
    out.push_back(AskDrain{starve->worker, std::chrono::milliseconds(1)});
  }
  const auto* tell = std::get_if<Tell>(&action);
  if (bug_ == Bug::steer_again_at_once && tell != nullptr && tell->note.kind == NoteKind::steer_failed) {
    out.push_back(steered_.at(tell->note.app));
  }
  if (bug_ == Bug::starve_too_early && tell != nullptr && tell->note.kind == NoteKind::worker_draining &&
      tell->note.text.empty() && launched_.contains(tell->note.worker) &&
      policies_[{tell->note.app, tell->note.release}].steered()) {
    out.push_back(Starve{tell->note.worker});
  }
  if (bug_ == Bug::drop_release_early && tell != nullptr && tell->note.kind == NoteKind::rollout_started) {
    for (std::uint64_t release = 1; release < tell->note.release.value; ++release) {
      out.push_back(DropRelease{tell->note.app, ReleaseId{release}});
    }
  }
}

void Subject::alter(const Steer& steer, ActionList& out) {
  if (bug_ == Bug::forget_steer) return;
  Steer altered = steer;
  const WorkerId youngest = youngest_[steer.app];
  const bool is_there = std::ranges::find(steer.workers, youngest) != steer.workers.end();
  if (bug_ == Bug::steer_to_unready && !is_there && launched_.contains(youngest)) altered.workers.push_back(youngest);
  steered_.insert_or_assign(steer.app, altered);
  out.push_back(altered);
}

void Subject::alter(const Spawn& spawn, ActionList& out) {
  youngest_[spawn.app] = spawn.worker;
  Spawn altered = spawn;
  const Seat seat{spawn.app, spawn.generation, spawn.slot};
  const bool again = !filled_before_.insert(seat).second;
  seats_.emplace(spawn.worker, seat);
  const bool is_first = newest_generation_[spawn.app] < spawn.generation;
  if (is_first) {
    newest_generation_[spawn.app] = spawn.generation;
    newest_[spawn.app] = spawn.release;
  }
  if (bug_ == Bug::drain_old_before_ready && is_first) {
    for (const WorkerId worker : ready_) {
      if (seats_.at(worker).app == spawn.app) out.push_back(AskDrain{worker, std::chrono::seconds(1)});
    }
  }
  if (bug_ == Bug::drop_respawn && again) return;
  if (bug_ == Bug::respawn_from_newest_release) altered.release = newest_[spawn.app];
  if (bug_ == Bug::wrong_slot && again) altered.slot = spawn.slot == 0 ? 1 : 0;
  out.push_back(altered);
}

void Subject::alter(const SignalWorker& signal, ActionList& out) const {
  SignalWorker altered = signal;
  const bool is_kill = signal.signo == SIGKILL;
  if (bug_ == Bug::forget_kill && is_kill) return;
  if (bug_ == Bug::forget_max_draining && cut_.contains(signal.worker)) return;
  if (bug_ == Bug::kill_early && !is_kill) altered = {signal.worker, SIGKILL, true};
  out.push_back(altered);
  if (bug_ == Bug::signal_twice && !is_kill) out.push_back(altered);
}

void Subject::alter(const Answer& answer, ActionList& out) {
  Answer altered = answer;
  answers_ += 1;
  if (bug_ == Bug::forget_answer && answers_ % 3 == 0) return;
  if (bug_ == Bug::wrong_serving) altered.outcome.serving += 1;
  out.push_back(altered);
  if (bug_ == Bug::answer_twice) out.push_back(altered);
}

}  // namespace sim
