#include "master/requests.hpp"

#include <utility>

namespace liveswap::master {

core::RequestId Requests::open(core::AppId app, RequestHandlers handlers) {
  ++last_.value;
  waiting_.emplace(last_, Waiting{app, std::move(handlers), {}});
  return last_;
}

void Requests::set_overrides(core::RequestId request, ReleaseOverrides overrides) {
  if (const auto found = waiting_.find(request); found != waiting_.end()) {
    found->second.overrides = std::move(overrides);
  }
}

ReleaseOverrides Requests::overrides_of(std::optional<core::RequestId> request) const {
  if (!request) return {};
  const auto found = waiting_.find(*request);
  return found == waiting_.end() ? ReleaseOverrides{} : found->second.overrides;
}

void Requests::answer(core::RequestId request, const core::Outcome& outcome) {
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
