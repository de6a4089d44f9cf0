#include "master/requests.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "master/outcome_json.hpp"
#include "master/requests_state.hpp"

namespace liveswap::master {

core::RequestId Requests::open(core::AppId app, RequestHandlers handlers) {
  ++last_.value;
  waiting_.emplace(last_, Waiting{app, std::move(handlers)});
  return last_;
}

void Requests::set_upgrade(core::RequestId request, CheckedUpgrade upgrade) {
  upgrades_.insert_or_assign(request, std::move(upgrade));
}

std::optional<CheckedUpgrade> Requests::take_upgrade(std::optional<core::RequestId> request) {
  if (!request) return std::nullopt;
  auto taken = upgrades_.extract(*request);
  return taken ? std::optional(std::move(taken.mapped())) : std::nullopt;
}

void Requests::answer(core::RequestId request, const core::Outcome& outcome, core::Time now) {
  upgrades_.erase(request);
  tickets_.answer(request, outcome, now);
  const auto found = waiting_.find(request);
  if (found == waiting_.end()) return;
  const Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  if (waiting.handlers.answered) waiting.handlers.answered(outcome);
}

void Requests::tell(const Told& told) {
  for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
    const core::RequestId request = waiting->first;
    const bool concerned = !waiting->second.app || waiting->second.app == told.note.app;
    const auto noted = concerned ? waiting->second.handlers.noted : nullptr;  // it may close its own request
    if (noted) noted(told);
    waiting = waiting_.upper_bound(request);
  }
  tickets_.tell(told);
}

// What a request upgrades to stays, as where a client without a ticket has gone: what it asked for is done.
std::vector<core::RequestId> Requests::give_up_left(const core::Snapshot& apps, core::Time now) {
  std::vector<core::RequestId> given_up = std::exchange(orphans_, {});
  for (const TicketPart& part : tickets_.left_too_long(now)) {
    const auto app = std::ranges::find(apps.apps, part.app, &core::AppSnapshot::app);
    tickets_.answer(part.request,
                    refused(core::Result::timed_out, core::Reason::client_away, "",
                            app == apps.apps.end() ? nullptr : &*app),
                    now);
    given_up.push_back(part.request);
  }
  for (const core::RequestId request : given_up) waiting_.erase(request);
  return given_up;
}

core::Time Requests::next_deadline() const {
  return orphans_.empty() ? tickets_.next_deadline() : core::Time{};
}

// ---- the next master ----

RequestsState Requests::save() const {
  RequestsState state{.last = last_, .waiting = orphans_, .tickets = tickets_.save(), .upgrades = upgrades_};
  std::set<core::RequestId> ticketed;
  for (const TicketState& ticket : state.tickets) {
    for (const TicketPart& part : ticket.parts) ticketed.insert(part.request);
  }
  for (const auto& [request, waiting] : waiting_) {
    if (!ticketed.contains(request)) state.waiting.push_back(request);
  }
  return state;
}

void Requests::restore(RequestsState state, core::Time now) {
  last_ = state.last;
  orphans_ = std::move(state.waiting);
  upgrades_ = std::move(state.upgrades);
  waiting_.clear();
  tickets_.restore(std::move(state.tickets), now);
}

}  // namespace liveswap::master
