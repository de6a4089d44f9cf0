// What the core asks for, done: one function for each action.
#include <fmt/ranges.h>

#include <algorithm>

#include "config/paths.hpp"
#include "master/head_file.hpp"
#include "master/master.hpp"
#include "master/telling.hpp"

namespace liveswap::master {

namespace {

std::vector<std::string> listener_names(const core::MasterPlan& plan) {
  std::vector<std::string> names;
  for (const core::ListenerPlan& listener : plan.listeners) names.push_back(listener.name);
  return names;
}

}  // namespace

// ---- releases ----

std::shared_ptr<const Release> Master::serving_release(core::AppId app) const {
  const auto found = releases_.find({app, core_->serving_release(app)});
  return found == releases_.end() ? nullptr : found->second;
}

std::expected<std::shared_ptr<const Release>, std::string> Master::prepare(const core::PrepareRelease& action) {
  CheckedUpgrade upgrade{.app = app_plan(action.app), .remark = {}, .overrides = {}};
  if (auto asked = take_upgrade(action.request)) {
    upgrade = std::move(*asked);
  } else if (action.request) {  // to start it again
    auto read = check_upgrade(action.app, {});
    if (!read) return std::unexpected(read.error().text);
    upgrade = std::move(*read);
  }
  if (action.target && plan_.file.empty()) {  // as in check_upgrade()
    upgrade.app.target = action.target;
  } else if (action.target) {
    upgrade.overrides.target = action.target;
  }
  const core::AppPlan& plan = upgrade.app;
  if (plan_.head) {
    if (auto writable = check_head(*plan_.head); !writable) return std::unexpected(writable.error());
    if (plan.target && plan.target->find('\n') != std::string::npos) {
      return std::unexpected("HEAD " + *plan_.head + ": one line cannot name a target with a line break in its path");
    }
  }
  if (!upgrade.remark.empty()) log_.tell(core::LogLevel::warn, plan.name, upgrade.remark);
  if (const auto listed = listeners_.also_lists(action.app, plan.all_listeners()); !listed) {
    return std::unexpected(listed.error());
  }
  const std::vector<BoundSocket> sockets = listeners_.sockets_of(listener_names(plan_));
  return make_release(release_request(action.app, action.release, upgrade, sockets));
}

ReleaseRequest Master::release_request(core::AppId app, core::ReleaseId id, const CheckedUpgrade& upgrade,
                                       std::span<const BoundSocket> sockets) const {
  return {.app = app,
          .id = id,
          .plan = upgrade.app,
          .overrides = upgrade.overrides,
          .own_environment = environment_,
          .sockets = sockets,
          .folder = config::folder_of(plan_.file)};
}

// A request that was answered meanwhile, since whoever asked would not wait for the hook, is still what is done.
std::optional<CheckedUpgrade> Master::take_upgrade(std::optional<core::RequestId> request) {
  if (!request) return std::nullopt;
  if (auto hooked = hooked_.extract(*request)) return std::move(hooked.mapped());
  return requests_.take_upgrade(request);
}

// ---- hooks ----

std::expected<HookJob, std::string> Master::prepare_hook_job(const core::RunHook& action) {
  auto upgrade = requests_.take_upgrade(action.request);
  if (!upgrade) return std::unexpected("it is not known any more what was asked for");
  const CheckedUpgrade& kept = hooked_.insert_or_assign(action.request, std::move(*upgrade)).first->second;
  const core::ReleaseId serving = core_->serving_release(action.app);
  const std::vector<BoundSocket> sockets = listeners_.sockets_of(listener_names(plan_));
  auto surroundings = make_hook_release(release_request(action.app, serving, kept, sockets));
  if (!surroundings) return std::unexpected(std::move(surroundings.error()));
  return HookJob{.ids = action, .surroundings = std::move(*surroundings), .serving = serving};
}

void Master::perform(const core::RunHook& action) {
  auto job = prepare_hook_job(action);
  if (job) return hooks_.run(std::move(*job));
  hook_ended({.app = action.app, .request = action.request, .text = std::move(job.error())});
}

void Master::perform(const core::StopHook& action) {
  hooked_.erase(action.request);
  hooks_.stop(action);
}

void Master::hook_ended(core::HookEnded event) {
  if (!event.ok) hooked_.erase(event.request);
  post(std::move(event));
}

void Master::update_listed(core::AppId app) {
  std::vector<std::string> names;
  bool has_release = false;
  for (const auto& [id, release] : releases_) {
    if (id.first != app) continue;
    has_release = true;
    for (const std::string& name : release->plan.all_listeners()) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  if (!has_release) return;  // before its first one the app lists what the file says
  for (const std::string& line : listeners_.lists_only(app, std::move(names))) {
    log_.tell(core::LogLevel::warn, app_name(app), line);
  }
}

void Master::perform(const core::PrepareRelease& action) {
  auto release = prepare(action);
  if (!release) {
    update_listed(action.app);
    post(core::ReleaseRefused{action.app, action.release, release.error()});
    return;
  }
  const auto serving = serving_release(action.app);
  const bool same = serving != nullptr && serving->digest == (*release)->digest;
  keep_release(*release);
  post(core::ReleasePrepared{action.app, action.release, (*release)->plan.policy, (*release)->label, same});
}

void Master::keep_release(const std::shared_ptr<const Release>& release) {
  const std::pair id(release->app, release->id);
  directories_kept_.erase(id);  // a number is given out again where a release was refused
  directories_kept_.emplace(id, keeper_.keep(directory_key(*release), release->directory));
  releases_.insert_or_assign(id, release);
  lasting_changed_ = true;
}

void Master::perform(const core::DropRelease& action) {
  releases_.erase({action.app, action.release});
  directories_kept_.erase({action.app, action.release});
  lasting_changed_ = true;
  update_listed(action.app);
}

// ---- listeners ----

void Master::perform(const core::OpenListeners& action) { listeners_.start(action.app); }
void Master::perform(const core::CloseListeners& action) { listeners_.close(action.app); }

void Master::perform(const core::QuiesceListeners& action) {
  for (const std::string& problem : listeners_.quiesce(action.app)) {
    log_.tell(core::LogLevel::warn, app_name(action.app), problem);
  }
}

void Master::perform(const core::ReassertListeners& action) {
  // Every Node worker does the same to its listeners, so there it is no news.
  const bool is_node = app_plan(action.app).protocol == core::Protocol::node;
  for (const std::string& change : listeners_.reassert(action.app)) {
    log_.tell(is_node ? core::LogLevel::debug : core::LogLevel::info, app_name(action.app), change);
  }
}

void Master::perform(const core::Steer& action) {
  if (const auto steered = listeners_.steer(action.app, action.workers); !steered) {
    post(core::SteerFailed{action.app, steered.error()});
  } else {
    post(core::Steered{action.app});
  }
}

// ---- workers ----

void Master::perform(const core::Spawn& action) {
  const auto release = releases_.find({action.app, action.release});
  if (release == releases_.end()) {  // the core spawns of what it was given only
    post(core::LaunchFailed{action.worker, core::Reason::spawn_failed, "its release is gone"});
    return;
  }
  if (auto adoption = adoptions_.extract(action.app)) {
    workers_.adopt(action, release->second, std::move(adoption.mapped()));
  } else {
    workers_.spawn(action, release->second);
  }
}

void Master::perform(const core::Starve& action) { workers_.starve(action.worker); }
void Master::perform(const core::AskDrain& action) { workers_.ask_drain(action); }

void Master::perform(const core::SignalWorker& action) {
  tell_cut(action.worker);
  workers_.signal(action);
}

// Before it is ended: then there is nothing left to be counted.
void Master::tell_cut(core::WorkerId worker) {
  if (auto cut = workers_.note_of_cut(worker)) perform(core::Tell{std::move(*cut)});
}

// ---- people ----

void Master::perform(const core::Answer& action) {
  adoptions_.erase(action.outcome.app);  // it was refused, where it is still there
  requests_.answer(action.request, action.outcome, now());
}

void Master::perform(const core::Tell& action) {
  const core::Note& note = action.note;
  if (note.kind == core::NoteKind::worker_stopping) tell_cut(note.worker);  // no signal need have been sent again
  Told told{.number = 0,
            .at = std::chrono::system_clock::now(),
            .note = note,
            .app = app_name(note.app),
            .pid = note.worker ? workers_.facts(note.worker).pid : 0,
            .text = {}};
  const std::string subject = subject_of(note, told.app);
  const std::string sentence = sentence_of(note);
  told.text = subject.empty() ? sentence : subject + ": " + sentence;
  log_.tell(level_of(note.kind), subject, sentence);
  events_.add(told);
  requests_.tell(told);
  if (note.kind == core::NoteKind::generation_gone) {
    on_demand_.generation_gone(note.app, note.generation);
    look_for_holders(note);
  }
  keep_target(note);
  service_report_.note(note);
}

// Without a file, the last target that was rolled out is the app's from now on.
void Master::keep_target(const core::Note& note) {
  const bool serves = note.kind == core::NoteKind::app_running ||
                      (note.kind == core::NoteKind::rollout_done && note.rollout == core::RolloutKind::upgrade);
  const auto release = releases_.find({note.app, note.release});
  if (!serves || !plan_.file.empty() || release == releases_.end() || !release->second->plan.target) return;
  core::AppPlan& app = app_plan(note.app);
  app.target = release->second->plan.target;
  lasting_changed_ = true;
  if (!plan_.head) return;
  if (const auto written = write_head(*plan_.head, *app.target); !written) {
    log_.tell(core::LogLevel::error, app.name, written.error() + "; a new start would not run " + *app.target);
  }
}

// By the guardian, where it is the process that the service manager listens to.
os::Result<void> Master::notify(const wire::guard::Notify& what) {
  if (!guardian_notifies_) return service_manager_.notify(what);
  if (guardian_) guardian_->notify(what);
  return {};
}

// ---- who holds listeners ----

// Once an app has stopped its listeners are closed; until then nobody but living workers may have them.
void Master::look_for_holders(const core::Note& note) {
  if (!core_->serving_release(note.app)) return;
  std::vector<BoundSocket> sockets = listeners_.sockets_used_by(note.app);
  std::erase_if(sockets, [this](const BoundSocket& socket) { return listeners_.is_given_away(socket); });
  listener_holders_.look(note.app, sockets);
}

void Master::tell_holders(const HoldersFound& found) {
  for (const ListenerHolder& holder : found.holders) {
    core::Note note;
    note.kind = core::NoteKind::listener_held;
    note.app = found.app;
    note.text = fmt::format("PID {} ({}) belongs to no living worker and still holds the listener{} {}", holder.pid,
                            holder.comm, holder.listeners.size() == 1 ? "" : "s", fmt::join(holder.listeners, ", "));
    perform(core::Tell{std::move(note)});
  }
  if (found.holders.empty()) {
    const auto none = fmt::format("no process but living workers holds its listeners ({} were looked into)",
                                  found.looked_into);
    log_.tell(core::LogLevel::debug, app_name(found.app), none);
  }
  if (found.refused == 0 || std::exchange(told_of_refusals_, true)) return;
  log_.info(fmt::format("{} processes of others may not be looked into: whether one of them holds a listener that an "
                        "old generation left behind is not known",
                        found.refused));
}

void Master::perform(const core::Exit& action) {
  exit_status_ = action.status;
  leave_nothing();
  if (ended_) ended_();
}

}  // namespace liveswap::master
