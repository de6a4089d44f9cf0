#include "core/requests.hpp"

#include <utility>

#include "core/supervisor.hpp"

namespace liveswap::core {

void await(Supervisor& s, Waiter waiter, Duration timeout) {
  s.desk.timers.arm(request_timer(waiter.id), later(s.desk.now, timeout));
  s.requests.insert_or_assign(waiter.id, std::move(waiter));
}

void forget_request(Supervisor& s, RequestId request) {
  s.desk.timers.disarm(request_timer(request));
  s.requests.erase(request);
}

void answer(Supervisor& s, RequestId request, Outcome outcome) {
  if (!s.requests.contains(request)) return;
  forget_request(s, request);
  s.desk.act(Answer{request, std::move(outcome)});
}

void request_timed_out(Supervisor& s, RequestId request) {
  const auto found = s.requests.find(request);
  if (found == s.requests.end()) return;
  const App* app = find_app(s, found->second.app);
  Outcome outcome{.result = Result::timed_out, .reason = Reason::timed_out};
  answer(s, request, app ? outcome_of(*app, Result::timed_out, Reason::timed_out) : outcome);
}

std::vector<RequestId> waiting_for(const Supervisor& s, AppId app, Waiter::For what) {
  std::vector<RequestId> found;
  for (const auto& [id, waiter] : s.requests) {
    if (waiter.app == app && waiter.what == what) found.push_back(id);
  }
  return found;
}

void answer_all(Supervisor& s, AppId app, Waiter::For what, const Outcome& outcome) {
  for (const RequestId id : waiting_for(s, app, what)) answer(s, id, outcome);
}

void worker_gone_for_requests(Supervisor& s, WorkerId worker) {
  for (auto& [id, waiter] : s.requests) waiter.workers.erase(worker);
}

void answer_by_state(Supervisor& s, App& app) {
  for (const RequestId id : waiting_for(s, app.id, Waiter::For::gone)) {
    if (s.requests.at(id).workers.empty()) answer(s, id, outcome_of(app, Result::done));
  }
  const auto strength = waiting_for(s, app.id, Waiter::For::strength);
  if (strength.empty() || app.rollout) return;
  const Generation* current = find_generation(app, app.current);
  for (const RequestId id : strength) {
    if (current == nullptr || app.stopping) {
      answer(s, id, outcome_of(app, Result::failed, Reason::not_running));
    } else if (current->strong()) {
      answer(s, id, outcome_of(app, Result::done));
    } else if (current->taken() < current->size) {
      answer(s, id, outcome_of(app, Result::failed, Reason::gave_up));
    }
  }
}

}  // namespace liveswap::core
