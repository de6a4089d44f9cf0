// One call on the control socket while it is being answered: what the method's function gets, and what it
// gives back.
//
// A function answers at once, or returns a Pending that answers later. The connection keeps the Pending until
// the last reply, and destroys it earlier if the client goes away: its destructor takes back what was asked
// for. Replies after the last one are a bug of the function.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string_view>

#include "core/snapshot.hpp"
#include "master/operations.hpp"
#include "wire/control.hpp"
#include "wire/varlink.hpp"

namespace liveswap::master {

// Where replies go: the connection.
class Replies {
 public:
  virtual ~Replies() = default;
  virtual void send(const wire::varlink::Reply& reply) = 0;
  // The client does not read as fast as we write: what can be left out should be.
  [[nodiscard]] virtual bool congested() const = 0;
};

// With which the client has made this call, for the first time.
struct GivenTicket {
  Ticket ticket;
  TicketCall call;
};

struct Exchange {
  Operations& master;
  const wire::varlink::Call& call;  // gone when the function has returned
  wire::control::Level level;       // that the peer has
  uid_t uid = 0;                    // the peer's
  Replies& replies;                 // outlives the Pending
  const GivenTicket* ticket = nullptr;  // none: the requests that are made end with the client's connection

  void reply(wire::Json parameters) const;
  void fail(std::string_view error, wire::Json parameters) const;
  void invalid_parameter(std::string_view name) const;
};

class Pending {
 public:
  Pending() = default;
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  virtual ~Pending() = default;
};

}  // namespace liveswap::master
