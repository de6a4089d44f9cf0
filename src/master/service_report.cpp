#include "master/service_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/tables.hpp"

namespace liveswap::master {
namespace {

using wire::guard::NotifyKind;

constexpr core::Duration kBeyond = std::chrono::seconds(10);  // what is waited for takes a moment itself
constexpr int kPingsEach = 2;  // in the time in which one has to come

core::Duration time_to_start(const core::MasterPlan& plan) {
  core::Duration longest{};
  for (const core::AppPlan& app : plan.apps) longest = std::max(longest, app.policy.ready_timeout);
  return longest + kBeyond;
}

core::Duration time_to_end(const core::MasterPlan& plan) {
  core::Duration longest{};
  for (const core::AppPlan& app : plan.apps) longest = std::max(longest, app.policy.stop_timeout);
  return plan.shutdown.delay + plan.shutdown.timeout + longest + kBeyond;
}

bool changes_status(core::NoteKind kind) {
  using enum core::NoteKind;
  switch (kind) {
    case app_running:
    case app_stopping:
    case app_stopped:
    case app_failed:
    case worker_died:
    case worker_ready:
    case rollout_started:
    case rollout_rolled_back:
    case rollout_done: return true;
    default: return false;
  }
}

template <class Number>
std::optional<Number> number_in(const char* text) {
  if (text == nullptr) return std::nullopt;
  Number number{};
  const char* end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, number);
  return error == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<core::Duration> watchdog_of(const char* usec, const char* pid, pid_t own, pid_t guardian) {
  const auto time = number_in<std::int64_t>(usec);
  if (!time || *time <= 0) return std::nullopt;
  const auto meant = number_in<pid_t>(pid);
  if (pid != nullptr && meant != own && (guardian == 0 || meant != guardian)) return std::nullopt;
  return core::Duration(std::chrono::microseconds(*time));
}

std::string service_status(const core::Snapshot& snapshot) {
  constexpr std::string_view kMore = " ...";
  std::string all;
  for (const core::AppSnapshot& app : snapshot.apps) {
    std::string one = fmt::format("{} {}", app.name, core::name_of(app.state));
    const bool serves = app.state == core::AppState::running || app.state == core::AppState::upgrading;
    if (serves) {
      one = fmt::format("{} g{} {}/{} ready", app.name, app.generation.value, app.workers_ready, app.workers_wanted);
    }
    if (app.state == core::AppState::upgrading) one += ", upgrading";
    const std::size_t size = all.size() + one.size() + 2;
    if (size + kMore.size() > wire::guard::kTextMax) return all + std::string(kMore);
    all += (all.empty() ? "" : "; ") + one;
  }
  return all;
}

ServiceReport::ServiceReport(loop::Loop& loop, const core::MasterPlan& plan, Setup setup)
    : plan_(plan), setup_(std::move(setup)), watchdog_(loop, [this] { ping(); }) {}

void ServiceReport::begin() {
  if (!setup_.send) return;
  if (!said_ready_) extend(time_to_start(plan_));
  if (setup_.watchdog) ping();
}

void ServiceReport::note(const core::Note& note) {
  if (!setup_.send) return;
  if (note.kind == core::NoteKind::shutdown_started) {
    send({.kind = NotifyKind::stopping, .text = "draining"});
    return extend(time_to_end(plan_));
  }
  if (!changes_status(note.kind)) return;
  const core::Snapshot snapshot = setup_.snapshot();
  if (snapshot.shutting_down) return;
  const bool starts = std::ranges::any_of(
      snapshot.apps, [](const core::AppSnapshot& app) { return app.state == core::AppState::starting; });
  if (note.kind == core::NoteKind::app_running && !starts && !std::exchange(said_ready_, true)) {
    status_ = service_status(snapshot);
    return send({.kind = NotifyKind::ready, .text = status_});
  }
  tell_status(snapshot);
}

void ServiceReport::tell_status(const core::Snapshot& snapshot) {
  std::string status = service_status(snapshot);
  if (status == status_) return;
  status_ = std::move(status);
  send({.kind = NotifyKind::status, .text = status_});
}

void ServiceReport::extend(core::Duration time) {
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  send({.kind = NotifyKind::extend_timeout, .number = static_cast<std::uint64_t>(usec)});
}

void ServiceReport::ping() {
  send({.kind = NotifyKind::watchdog});
  watchdog_.start_after(*setup_.watchdog / kPingsEach);
}

void ServiceReport::send(const Notification& what) {
  const auto told = setup_.send(what);
  if (!told) setup_.problem("the service manager could not be told: " + told.error().message());
}

}  // namespace liveswap::master
