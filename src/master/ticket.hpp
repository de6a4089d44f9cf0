// A ticket is a text that a client makes up for one call that takes its time: whoever has it can ask what has become of
// the call, by another connection and of the next master, too.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/action.hpp"
#include "master/facts.hpp"

namespace liveswap::master {

// One user's ticket says nothing of another's, even where the text is the same.
struct Ticket {
  uid_t uid = 0;
  std::string text;
  auto operator<=>(const Ticket&) const = default;
};

// What was called with a ticket: another call with it is a mistake.
struct TicketCall {
  std::string method;
  std::uint64_t digest = 0;  // of the parameters
  bool operator==(const TicketCall&) const = default;
};

// One of the requests that a call has made: one for each app.
struct TicketPart {
  core::RequestId request;
  core::AppId app;
  std::optional<core::Outcome> outcome{};  // none: it waits
};

// What a client hears of a ticket's call: the outcome of each part, once, also of those that had theirs before; after
// the last one, nothing more.
struct TicketHandlers {
  std::function<void(const core::Outcome&, std::size_t left)> answered;  // so many parts wait still
  std::function<void(const Told&)> noted;
};
using AttachmentId = std::uint64_t;

// A ticket that is known.
struct KnownTicket {
  TicketCall call;
  std::size_t parts = 0;
};

}  // namespace liveswap::master
