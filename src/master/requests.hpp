// The operators' requests that wait for their answers: who hears of them, and what they upgrade to.
//
// Owned by Master; not thread-safe. A handler may close any request, its own included, and detach from any ticket.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/ids.hpp"
#include "master/operations.hpp"
#include "master/tickets.hpp"

namespace liveswap::master {

struct RequestsState;  // requests_state.hpp

class Requests {
 public:
  explicit Requests(TicketLimits limits = {}) : tickets_(limits) {}

  core::RequestId open(core::AppId app, RequestHandlers handlers);

  // False: there is no such request any more (it has been answered).
  bool close(core::RequestId request) { return waiting_.erase(request) != 0; }

  void set_upgrade(core::RequestId request, CheckedUpgrade upgrade);
  // What the request upgrades to, once; nothing for one that is no upgrade, and for the master's own. It is there until
  // the core has answered, though the client may have gone: what it asked for is done.
  [[nodiscard]] std::optional<CheckedUpgrade> take_upgrade(std::optional<core::RequestId> request);

  // The last thing that the request hears. Again, it is heard by nobody who has heard it; a new master answers again
  // what the one before may have answered already.
  void answer(core::RequestId request, const core::Outcome& outcome, core::Time now);
  // To every request about the note's app, or about all.
  void tell(const Told& told);

  [[nodiscard]] const Tickets& tickets() const { return tickets_; }
  [[nodiscard]] Tickets& tickets() { return tickets_; }
  // Ends the wait of those whose clients have been away for too long, and returns them: the core need not answer them
  // any more. What they have asked for goes on.
  [[nodiscard]] std::vector<core::RequestId> give_up_left(const core::Snapshot& apps, core::Time now);
  // When there will be some.
  [[nodiscard]] core::Time next_deadline() const;

  [[nodiscard]] RequestsState save() const;
  // Instead of what there is; nobody has asked anything yet. Requests with a ticket wait for their clients to attach;
  // the others' have gone for good.
  void restore(RequestsState state, core::Time now);

 private:
  struct Waiting {
    core::AppId app;
    RequestHandlers handlers;
  };

  std::map<core::RequestId, Waiting> waiting_;
  std::map<core::RequestId, CheckedUpgrade> upgrades_;
  Tickets tickets_;
  std::vector<core::RequestId> orphans_;  // of the master before, without a ticket
  core::RequestId last_{};
};

}  // namespace liveswap::master
