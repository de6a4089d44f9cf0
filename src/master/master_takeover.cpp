// What a master leaves to the next one, and how it goes on with what an earlier one has left.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <variant>

#include "core/archive_reader.hpp"
#include "core/persist_messages.hpp"
#include "core/persist_state.hpp"
#include "core/text.hpp"
#include "master/guardian_start.hpp"
#include "master/listeners_state.hpp"
#include "master/master.hpp"
#include "master/master_state.hpp"
#include "master/requests_state.hpp"
#include "master/workers_state.hpp"
#include "os/pidfd.hpp"

namespace liveswap::master {
namespace {

constexpr auto kGuardianAgain = std::chrono::seconds(10);

// Whether the next master is to be told of an event by the journal. What answers an action is not: the core asks again
// (core::Resumed). Nor is what a client has asked: with the answer outstanding it asks again by its ticket.
template <class Event>
constexpr bool is_journaled(const Event& event) {
  using namespace core;
  if constexpr (std::is_same_v<Event, ShutdownAsked>) return !event.request;
  return std::is_same_v<Event, Launched> || std::is_same_v<Event, LaunchFailed> ||
         std::is_same_v<Event, WorkerReady> || std::is_same_v<Event, WorkerStopping> ||
         std::is_same_v<Event, DeadlineExtended> || std::is_same_v<Event, WatchdogPinged> ||
         std::is_same_v<Event, WatchdogTriggered> || std::is_same_v<Event, WatchdogChanged> ||
         std::is_same_v<Event, WorkerExited> || std::is_same_v<Event, TreeGone>;
}

std::vector<std::string> all_names(const std::vector<KeepKey>& keys) {
  std::vector<std::string> names;
  for (const KeepKey& key : keys) names.push_back(fmt::format("{} {}", wire::guard::name(key.role), key.owner));
  return names;
}

}  // namespace

// ---- the guardian ----

std::expected<void, std::string> Master::meet_guardian() {
  if (!greeting_) return {};
  auto greeting = std::exchange(greeting_, std::nullopt);
  auto link = GuardianLink::open(loop_, std::move(greeting->channel), std::move(greeting->early), guardian_handlers());
  if (!link) return std::unexpected("the guardian: " + link.error().message());
  guardian_ = std::move(*link);
  know_guardian(greeting->hello.guardian);
  for (KeptDescriptor& kept : greeting->store) {
    if (kept.fd) keeper_.inherit(kept.key, std::move(kept.fd));  // else it is a part of this master already
  }
  keeper_.replace(guardian_->store());
  const auto boot = own_boot_id();
  if (!boot) return std::unexpected(boot.error().message());
  state_ = std::make_unique<StateStore>(keeper_, *boot, [this](std::string_view text) { log_.error(text); });
  keep_own();
  keeper_.on_change([this] {
    kept_changed_ = true;
    if (!in_turn_) draining_.schedule();  // at its end the state is written
  });
  return {};
}

GuardianLink::Handlers Master::guardian_handlers() {
  return {.signal =
              [this](const wire::guard::Signal& signal) {
                act_on(static_cast<int>(signal.signo), {SignalWay::forwarded, signal.from_below}, signal.pid);
              },
          .ended =
              [this](pid_t pid, const os::ExitStatus& status) { workers_.children().ended_elsewhere(pid, status); },
          .keep_failed =
              [this](const KeepKey& key, int error) {
                log_.error(fmt::format("the guardian cannot keep {} {}, and the next master would not have it: {}",
                                       wire::guard::name(key.role), key.owner, os::errno_text(error)));
              },
          .replaced =
              [this](int error) {
                if (error == 0) return log_.info("the guardian is of this binary, too, in place");
                log_.error("the guardian stays as it is: " + os::errno_text(error));
              },
          .gone = [this] { guardian_gone(); }};
}

void Master::know_guardian(pid_t pid) {
  facts_.guardian = pid;
  workers_.set_guardian(pid);
}

void Master::keep_own() {
  lock_kept_ = keeper_.keep(kLockKey, instance_.lock.fd());
  launcher_kept_ = keeper_.keep(kLauncherKey, launcher_.program());
}

// It is nobody's parent but ours, so nothing else is lost with it.
void Master::guardian_gone() {
  log_.error(fmt::format("the guardian (PID {}) has gone; a new one is started", facts_.guardian));
  guardian_.reset();
  keeper_.replace({});
  know_guardian(0);
  start_guardian();
}

void Master::start_guardian() {
  auto started = start_guardian_below(*guardian_programs_);
  auto link = started ? GuardianLink::open(loop_, std::move(started->channel), {}, guardian_handlers())
                      : std::unexpected(started.error());
  if (!link) {
    log_.error(fmt::format("no guardian could be started: {}; trying again in {}", link.error().message(),
                           core::text_of(kGuardianAgain)));
    guardian_again_.start_after(kGuardianAgain);
    return;
  }
  guardian_ = std::move(*link);
  know_guardian(started->pid);
  keeper_.replace(guardian_->store());
  guardian_->say_established();
  workers_.children().leave(std::move(started->pidfd));
  log_.info(fmt::format("the guardian runs as PID {}, a child of this master", facts_.guardian));
}

// ---- leaving ----

void Master::note_event(const core::Event& event) {
  if (!state_ || !std::visit([](const auto& what) { return is_journaled(what); }, event)) return;
  core::ArchiveWriter entry;
  entry(event);
  state_->append(entry.bytes());
}

void Master::write_state() {
  kept_changed_ = false;
  if (!state_) return;
  if (std::exchange(lasting_changed_, false)) {
    LastingState lasting{.plan = plan_, .releases = {}};
    for (const auto& [id, release] : releases_) lasting.releases.push_back(*release);
    lasting_.clear();
    lasting_(lasting);
    ++lasting_revision_;
  }
  passing_.clear();
  save_passing(passing_);
  state_->write({.lasting = lasting_.bytes(), .lasting_revision = lasting_revision_, .passing = passing_.bytes()},
                core::kArchiveVersion);
}

// Read by read_passing().
void Master::save_passing(core::ArchiveWriter& archive) const {
  core_->save(archive);
  archive(actions_, listeners_.save(), on_demand_.save(), workers_.save(), requests_.save(), hooked_,
          service_report_.said_ready(), events_.last_number());
}

// This master ends by itself, so nobody is to go on where it was.
void Master::leave_nothing() {
  keeper_.let_go();
  state_.reset();
  if (guardian_) guardian_->say_ending(exit_status_);
}

// ---- taking over ----

std::expected<void, std::string> Master::take_over(const SavedState& saved) {
  auto lasting = read_lasting(saved);
  if (!lasting) return std::unexpected("the state of the master before: " + lasting.error());
  restore_releases(std::move(lasting->releases));
  if (auto restored = restore_passing(saved); !restored) {
    return std::unexpected("the state of the master before: " + restored.error());
  }
  return {};
}

void Master::restore_releases(std::vector<ReleaseValues> releases) {
  for (ReleaseValues& values : releases) {
    const KeepKey key = directory_key(values);
    auto left = keeper_.take(key);
    std::string problem;
    const auto release = restore_release(std::move(values), left ? std::move(left->fd) : os::OwnedFd(), problem);
    if (!problem.empty()) log_.error(problem);
    Kept kept = left ? std::move(left->kept) : keeper_.keep(key, release->directory);
    directories_kept_.insert_or_assign({release->app, release->id}, std::move(kept));
    releases_.insert_or_assign({release->app, release->id}, release);
  }
}

std::expected<void, std::string> Master::restore_passing(const SavedState& saved) {
  auto state = read_passing(saved);
  if (!state) return std::unexpected(std::move(state.error()));
  core_ = std::move(state->core);
  actions_ = std::move(state->actions);
  hooked_ = std::move(state->hooked);
  service_report_.set_said_ready(state->said_ready);
  events_.go_on_from(state->events);
  std::vector<std::string> problems = listeners_.restore(std::move(state->listeners));
  on_demand_.restore(std::move(state->on_demand));
  const auto release_of = [this](core::AppId app, core::ReleaseId id) -> std::shared_ptr<const Release> {
    const auto found = releases_.find({app, id});
    return found == releases_.end() ? nullptr : found->second;
  };
  for (std::string& problem : workers_.restore(std::move(state->workers), release_of)) {
    problems.push_back(std::move(problem));
  }
  requests_.restore(std::move(state->requests), now());
  for (const std::string& problem : problems) log_.error(problem);
  return {};
}

// What had happened and what had been decided, in the order in which it would have been; then what may have been
// asked of the master before in vain is asked for again.
void Master::go_on(const SavedState& saved) {
  for (const auto& entry : saved.journal) {
    core::ArchiveReader reader(entry, saved.version);
    core::Event event;
    reader(event);
    if (reader.failed() || !reader.at_end()) continue;
    workers_.recall(event);
    post(std::move(event));
  }
  const core::ActionList rest = std::exchange(actions_, {});
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (i < saved.performed && !std::holds_alternative<core::Spawn>(rest[i])) continue;
    if (!was_performed(rest[i])) std::visit([this](const auto& asked) { perform(asked); }, rest[i]);
  }
  post(core::Resumed{});
}

void Master::drop_what_is_left() {
  const auto dropped = keeper_.drop_rest();
  if (dropped.empty()) return;
  log_.tell(core::LogLevel::debug, "",
            fmt::format("of what the master before left was not needed: {}", fmt::join(all_names(dropped), ", ")));
}

// A worker's program runs only when the state has the worker; before that its launcher has been given up.
bool Master::was_performed(const core::Action& action) const {
  const auto* spawn = std::get_if<core::Spawn>(&action);
  return spawn != nullptr && workers_.has(spawn->worker);
}

}  // namespace liveswap::master
