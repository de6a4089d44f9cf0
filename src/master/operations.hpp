// The seam through which control commands see the master. Implemented by Master, and by a fake in tests.
//
// Everything is called on the loop's thread. Nothing here steps the core: post() only puts an event in the
// inbox, and handlers are called while actions are performed. A handler must not call back into this
// interface except for close_request(), detach(), unfollow() and the const members; what it wants to do further, it
// does in a later loop callback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/plan.hpp"
#include "core/snapshot.hpp"
#include "master/facts.hpp"
#include "master/ticket.hpp"

namespace liveswap::master {

// Why the master will not even post what was asked for.
struct Refusal {
  core::Reason reason = core::Reason::none;
  std::string text;
};

// An upgrade that was found good: what its release is made of, so that the file is not read a second time, when it may
// say something else.
struct CheckedUpgrade {
  core::AppPlan app;    // as the file has it
  std::string remark;   // what else in the file differs from what runs and was left alone; "" for nothing
  ReleaseOverrides overrides;
};

// What becomes of a request. `noted` is called for every note of its app (of all apps where that is 0) until
// `answered`, which is the last call and comes at most once; neither comes after close_request().
struct RequestHandlers {
  std::function<void(const core::Outcome&)> answered;
  std::function<void(const Told&)> noted;
};

using EventHandler = std::function<void(const Told&)>;
using LineHandler = std::function<void(const OutputLine&)>;
using FollowId = std::uint64_t;

class Operations {
 public:
  virtual ~Operations() = default;

  // ---- looking ----
  [[nodiscard]] virtual core::Time now() const = 0;
  // The same answer for the same time, unless the clock was set.
  [[nodiscard]] virtual WallTime wall(core::Time) const = 0;
  [[nodiscard]] virtual const MasterFacts& master() const = 0;
  [[nodiscard]] virtual core::Snapshot snapshot() const = 0;
  [[nodiscard]] virtual std::vector<ListenerRow> listeners() const = 0;      // in the file's order
  // Puts back what a worker has changed of them, and tells: before they are shown.
  virtual void reassert_listeners() = 0;
  [[nodiscard]] virtual WorkerFacts worker_facts(core::WorkerId) const = 0;  // pid 0 for one that is gone
  // Of the last count, the oldest first.
  [[nodiscard]] virtual std::vector<ConnectionRow> connections(core::WorkerId) const = 0;
  [[nodiscard]] virtual ReleaseFacts release_facts(core::AppId, core::ReleaseId) const = 0;
  [[nodiscard]] virtual std::uint32_t processors() const = 0;  // that the master may use: `scale auto`

  // Has the connections of an app's workers (0: of all) counted anew, as far as the time that this takes allows.
  // `counted` is called once, maybe before this has returned, unless the master ends.
  virtual void count_connections(core::AppId, std::function<void()> counted) = 0;

  // ---- asking the core ----
  // Gives a new id, to be used in exactly one …Asked event that is posted right after. The request ends with
  // its answer or with close_request(), which posts RequestGone.
  [[nodiscard]] virtual core::RequestId open_request(core::AppId app, RequestHandlers handlers) = 0;
  virtual void close_request(core::RequestId) = 0;
  // For the PrepareRelease that carries this request.
  virtual void set_upgrade(core::RequestId, CheckedUpgrade) = 0;
  // Looks at a server that runs; the next worker that is spawned for the app is that one. Nothing of it is changed yet.
  [[nodiscard]] virtual std::expected<void, std::string> prepare_adoption(core::AppId, pid_t) = 0;
  virtual void post(core::Event event) = 0;

  // ---- requests that outlive their clients' connections (tickets.hpp) ----
  [[nodiscard]] virtual std::optional<KnownTicket> find_ticket(const Ticket&) const = 0;
  // For requests that were just opened, without handlers, under a ticket that is not known. They end with their
  // answers, or some time after nobody has been attached any more.
  virtual void keep_ticket(const Ticket&, TicketCall, std::vector<TicketPart>) = 0;
  [[nodiscard]] virtual AttachmentId attach(const Ticket&, TicketHandlers) = 0;
  virtual void detach(AttachmentId) = 0;

  // Reads the file once more: a bad file, or one whose name, control or listeners are not what runs, is
  // refused, and so are overrides that the app cannot use.
  [[nodiscard]] virtual std::expected<CheckedUpgrade, Refusal> check_upgrade(core::AppId,
                                                                             const ReleaseOverrides&) = 0;

  // ---- past the core ----
  // To the main process of every worker of the app; the number of those that were sent it.
  [[nodiscard]] virtual std::expected<std::uint32_t, std::string> signal_app(core::AppId, int signo) = 0;
  // To the program of every worker of the app. Called once, maybe before this has returned, unless the master ends.
  virtual void message_app(core::AppId, std::string_view text, MessageHandler counted) = 0;
  // The listener is known to exist. True: it changed.
  [[nodiscard]] virtual std::expected<bool, std::string> pause_listener(const std::string& name) = 0;
  [[nodiscard]] virtual std::expected<bool, std::string> resume_listener(const std::string& name) = 0;

  // The master is to be replaced by that binary (empty: the one at the path by which it was started), in place. `tried`
  // is called once it is known whether that can be, with its version or what is wrong: maybe before this has returned,
  // unless the master ends. Where it can, that is done right after.
  using BinaryTried = std::function<void(std::expected<std::string, std::string>)>;
  virtual void reexec(const std::string& binary, BinaryTried tried) = 0;

  // ---- following ----
  // The last ones that are remembered, at most `max`, oldest first; an empty app is all.
  [[nodiscard]] virtual std::vector<Told> last_events(const std::string& app, std::size_t max) const = 0;
  [[nodiscard]] virtual std::vector<OutputLine> last_lines(const std::string& app, std::size_t max) const = 0;
  // Everything from now on, of all apps, until unfollow(); handlers filter.
  [[nodiscard]] virtual FollowId follow_events(EventHandler handler) = 0;
  [[nodiscard]] virtual FollowId follow_lines(LineHandler handler) = 0;
  virtual void unfollow(FollowId) = 0;
};

}  // namespace liveswap::master
