// The connections of workers: the second half of workers.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"
#include "master/worker_process.hpp"
#include "master/workers.hpp"

namespace liveswap::master {
namespace {

ConnectionRow row_of(const KnownConnection& known, core::Time counted_at) {
  const os::ConnectionFacts& facts = known.facts;
  ConnectionRow row{.pid = known.pid,
                    .peer = {},
                    .peer_pid = facts.peer_pid,
                    .since = known.born,
                    .since_exact = known.born_exact,
                    .last_data = {},
                    .bytes_in = {},
                    .bytes_out = {},
                    .state = facts.state_name()};
  if (!facts.is_unix) row.peer = facts.peer.text();
  if (facts.traffic) {
    row.last_data = counted_at - std::min(facts.traffic->since_sent, facts.traffic->since_received);
    row.bytes_in = facts.traffic->bytes_in;
    row.bytes_out = facts.traffic->bytes_out;
  }
  return row;
}

// "the oldest for 41m"
std::string oldest_text(const KnownConnection& oldest, core::Time now) {
  const auto age = std::chrono::floor<std::chrono::seconds>(now - oldest.born);
  return std::string("the oldest for ") + (oldest.born_exact ? "" : "more than ") + core::text_of(age);
}

}  // namespace

DrainWatch::Handlers Workers::count_handlers() {
  return {.task_of = [this](core::WorkerId id) -> std::optional<CountTask> {
            const WorkerProcess* worker = find(id);
            return worker != nullptr ? worker->count_task(drain_watch_.drains(id)) : std::nullopt;
          },
          .empty = [this](core::WorkerId id) {
            const WorkerProcess* worker = find(id);
            if (worker == nullptr || worker->is_being_starved() || !context_.setup.worker_empty) return;
            context_.setup.worker_empty(id);
          },
          .unknown = [this](core::WorkerId id, std::string_view why) {
            if (const WorkerProcess* worker = find(id)) {
              worker->tell_info("its connections cannot be counted: " + std::string(why));
            }
          },
          .closed_idle = [this](core::WorkerId id, std::uint32_t count) {
            if (const WorkerProcess* worker = find(id)) {
              worker->tell_info(fmt::format("closed {} idle connection{}", count, count == 1 ? "" : "s"));
            }
          }};
}

void Workers::begin_drain(core::WorkerId worker) {
  const WorkerProcess* found = find(worker);
  if (found != nullptr) drain_watch_.drain(worker, found->closes_idle());
}

WorkerFacts Workers::facts(core::WorkerId worker) const {
  const WorkerProcess* found = find(worker);
  if (found == nullptr) return {};
  WorkerFacts facts = found->facts();
  const KnownConnections* known = drain_watch_.find(worker);
  if (known == nullptr) return facts;
  if (const auto count = known->count()) facts.connections = count;  // else what it says itself, if it does
  facts.connections_unknown = known->why_unknown();
  if (const KnownConnection* oldest = known->oldest()) {
    facts.oldest = oldest->born;
    facts.oldest_exact = oldest->born_exact;
  }
  return facts;
}

void Workers::count_connections(core::AppId app, std::function<void()> counted) {
  std::vector<core::WorkerId> asked;
  for (const auto& [id, worker] : workers_) {
    if (!app || worker->app() == app) asked.push_back(id);
  }
  drain_watch_.count(asked, std::move(counted));
}

std::vector<ConnectionRow> Workers::connections(core::WorkerId worker) const {
  std::vector<ConnectionRow> rows;
  const KnownConnections* known = drain_watch_.find(worker);
  if (known == nullptr) return rows;
  for (const KnownConnection& each : known->connections()) rows.push_back(row_of(each, known->counted_at()));
  std::ranges::stable_sort(rows, {}, &ConnectionRow::since);
  return rows;
}

std::optional<core::Note> Workers::note_of_cut(core::WorkerId worker) {
  const WorkerProcess* found = find(worker);
  if (found == nullptr || !drain_watch_.drains(worker) || !cut_.insert(worker).second) return std::nullopt;
  drain_watch_.count_now(worker);
  const KnownConnections* known = drain_watch_.find(worker);
  core::Note note = found->note(core::NoteKind::worker_cut);
  const auto count = known->count();
  if (count == 0U) return std::nullopt;
  note.count = count.value_or(0);
  if (!count) note.text = known->why_unknown().empty() ? "not counted" : known->why_unknown();
  const KnownConnection* oldest = known->oldest();
  if (oldest != nullptr) note.text = oldest_text(*oldest, core::Time(context_.setup.loop.now()));
  return note;
}

std::set<pid_t> Workers::processes() const {
  std::set<pid_t> pids;
  for (const auto& [id, worker] : workers_) {
    for (const TreeMember& process : worker->processes()) pids.insert(process.pid);
  }
  return pids;
}

}  // namespace liveswap::master
