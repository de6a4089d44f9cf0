// Operators' requests that wait for their answer. Each is answered once, or forgotten when its client goes
// away.
//
// Requests that can be answered at once never come here. Owned by the Supervisor.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/event.hpp"
#include "core/ids.hpp"

namespace liveswap::core {

struct Supervisor;
struct App;

struct Waiter {
  enum class For {
    rollout,   // the verdict of the app's rollout
    rollback,  // that a rollout which it aborted has been rolled back
    strength,  // that every slot is ready
    gone,      // that these workers have gone
    stopped,   // that the app has stopped
    shutdown,  // that everything has ended
  };
  RequestId id;
  AppId app{};
  For what{};
  WaitLevel level = WaitLevel::committed;
  std::set<WorkerId> workers{};  // gone
};

using Requests = std::map<RequestId, Waiter>;

void await(Supervisor& s, Waiter waiter, Duration timeout);
// Answers it if it is still wanted, and forgets it.
void answer(Supervisor& s, RequestId request, Outcome outcome);
void forget_request(Supervisor& s, RequestId request);
void request_timed_out(Supervisor& s, RequestId request);

// The app's requests that wait for that.
std::vector<RequestId> waiting_for(const Supervisor& s, AppId app, Waiter::For what);
void answer_all(Supervisor& s, AppId app, Waiter::For what, const Outcome& outcome);
void worker_gone_for_requests(Supervisor& s, WorkerId worker);
// Once a step: what the app's present state answers.
void answer_by_state(Supervisor& s, App& app);

}  // namespace liveswap::core
