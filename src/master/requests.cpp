#include "master/requests.hpp"

#include <utility>

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

void Requests::answer(core::RequestId request, const core::Outcome& outcome) {
  upgrades_.erase(request);
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
}

}  // namespace liveswap::master
