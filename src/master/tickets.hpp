// The tickets of calls that wait, and of those that were answered lately: whose connection has broken, or whose master
// has died, is told the truth when he comes back, and what he says again is not done twice.
//
//   add() ──▶ waiting, attended ──answered──▶ answered: remembered for a while, with its outcomes
//               │          ▲                       ▲
//      its last client   attach()                  │ by a reason of its own
//      goes     ▼          │                       │
//             waiting, left ───── too long ────▶ given up: the core need not answer any more
//
// Owned by Requests; not thread-safe. A handler may detach any attachment, its own included.
#pragma once

#include <chrono>
#include <map>
#include <vector>

#include "core/time.hpp"
#include "master/ticket.hpp"
#include "wire/control.hpp"

namespace liveswap::master {

struct TicketLimits {
  std::size_t answered = 256;  // are remembered; beyond that the oldest of whoever has the most is forgotten
  std::size_t left = 256;      // wait without a client; beyond that the oldest is given up
  core::Duration remembered = wire::control::kTicketRemembered;
  // A client that has lost its master looks for the next one all the time: this is for one that was slow.
  core::Duration grace = std::chrono::seconds(10);
};

// A call with its ticket, as a value.
struct TicketState {
  std::uint32_t uid = 0;
  std::string text;
  TicketCall call;
  std::vector<TicketPart> parts;
};

class Tickets {
 public:
  explicit Tickets(TicketLimits limits = {}) : limits_(limits) {}

  [[nodiscard]] std::optional<KnownTicket> find(const Ticket& ticket) const;
  // The ticket is not known yet, and there is at least one part.
  void add(const Ticket& ticket, TicketCall call, std::vector<TicketPart> parts, core::Time now);

  // The ticket is known. Outcomes that are there already are told before this returns.
  [[nodiscard]] AttachmentId attach(const Ticket& ticket, TicketHandlers handlers);
  void detach(AttachmentId attachment, core::Time now);

  // The same request may be answered again: a new master does not know whether the one before has done it. Then the
  // later outcome is remembered, and nobody hears of it who has heard one.
  void answer(core::RequestId request, const core::Outcome& outcome, core::Time now);
  void tell(const Told& told);

  // The parts that wait in vain, since nobody has been attached for too long: to be answered so.
  [[nodiscard]] std::vector<TicketPart> left_too_long(core::Time now) const;
  // When there will be some.
  [[nodiscard]] core::Time next_deadline() const;

  [[nodiscard]] std::vector<TicketState> save() const;
  // Instead of what there is. Whoever had attached has lost his connection by that, and every time begins anew: how
  // long there was no master counts for nothing.
  void restore(std::vector<TicketState> tickets, core::Time now);

 private:
  struct Call {
    TicketCall call;
    std::vector<TicketPart> parts;
    core::Time since{};        // answered: then; waiting: when its last client went
    std::size_t attached = 0;  // clients; none once it is answered
    [[nodiscard]] std::size_t waiting() const;
    [[nodiscard]] bool is_left() const { return attached == 0 && waiting() > 0; }
  };
  using Calls = std::map<Ticket, Call>;
  struct Attachment {
    Ticket ticket;
    TicketHandlers handlers;
  };

  template <class Hear>
  void each_attached(const Ticket& ticket, Hear hear);
  void answer_part(const Ticket& ticket, Call& call, TicketPart& part, const core::Outcome& outcome, core::Time now);
  void forget_answered(core::Time now);
  void let_go(const Ticket& ticket, Call& call);
  [[nodiscard]] std::vector<const Call*> left_oldest_first() const;
  [[nodiscard]] uid_t busiest() const;

  TicketLimits limits_;
  Calls calls_;
  std::map<AttachmentId, Attachment> attachments_;
  AttachmentId last_ = 0;
};

}  // namespace liveswap::master
