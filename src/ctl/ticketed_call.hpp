// The call of a command that takes its time, whose answer is wanted though the connection, or the master, goes
// meanwhile.
//
//   send() ──▶ next(), next(), … the last reply
//                │ ▲
//     the connection is lost: come back, and Attach by the ticket; a master that does not know it is told again
//
// Told again, it is not done twice: a master that has heard it before says what became of it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ctl/return_to_master.hpp"

namespace liveswap::ctl {

class TicketedCall {
 public:
  using Clock = Client::Clock;

  // `away` is called when the connection was lost, once until the master has said something again.
  TicketedCall(Session& session, wire::Json parameters, std::optional<Clock::time_point> until,
               std::function<void()> away);

  // The error has been printed; it is the exit status.
  [[nodiscard]] std::expected<void, int> send();
  // As Client::next(); while the master is away the deadline is let pass, and `gone` comes once that was too long.
  [[nodiscard]] std::expected<wire::varlink::Reply, NoReply> next(std::optional<Clock::time_point> deadline);

 private:
  [[nodiscard]] std::expected<void, NoReply> attach();
  [[nodiscard]] std::expected<void, NoReply> say_again();
  // What a master that we have come back to says, if it is for us to act on.
  [[nodiscard]] bool is_full(const wire::varlink::Reply& reply) const;
  [[nodiscard]] Client& client();

  Session& session_;
  wire::Json parameters_;  // with the ticket
  std::optional<Clock::time_point> until_;
  ReturnToMaster way_back_;
  std::function<void()> away_;
  int said_ = 0;
};

}  // namespace liveswap::ctl
