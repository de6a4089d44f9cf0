#include "master/idle_close.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

namespace liveswap::master {
namespace {

constexpr std::string_view kEstablished = "established";

// A program may take its time over the end of the stream.
bool is_closed_already(os::FdRef connection) {
  pollfd look{.fd = connection.get(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&look, 1, 0) == 1;
}

// What came since it was looked at may have been read already, and lies in no buffer: the program is at it.
bool has_got_nothing_since(const os::ConnectionFacts& facts, os::FdRef connection) {
  const auto now = os::connection_facts(connection);
  return now && *now && (*now)->traffic && (*now)->traffic->bytes_in == facts.traffic->bytes_in;
}

}  // namespace

Idleness idleness_of(const os::Traffic& traffic) {
  if (traffic.since_sent > traffic.since_received) return Idleness::busy;
  return traffic.since_sent < traffic.since_received ? Idleness::idle : Idleness::ambiguous;
}

bool may_be_closed(const os::ConnectionFacts& facts, core::Duration ambiguous_for) {
  if (!facts.traffic || facts.state_name() != kEstablished) return false;
  const auto silence = std::min(facts.traffic->since_sent, facts.traffic->since_received);
  switch (idleness_of(*facts.traffic)) {
    case Idleness::idle: return silence >= kQuiet;
    case Idleness::ambiguous: return silence >= std::max<core::Duration>(ambiguous_for, kQuiet);
    default: return false;
  }
}

// A question that crosses with this is still read by the program, if it reads on. Programs that break off at the end
// of the stream make each instant between the last look and shutdown() one in which a question is lost: so the look is
// the last thing.
bool close_if_idle(os::FdRef connection, const os::ConnectionFacts& facts, core::Duration ambiguous_for) {
  if (!may_be_closed(facts, ambiguous_for) || is_closed_already(connection)) return false;
  if (os::has_unread_or_unsent(connection) || !has_got_nothing_since(facts, connection)) return false;
  return ::shutdown(connection.get(), SHUT_RD) == 0;
}

}  // namespace liveswap::master
