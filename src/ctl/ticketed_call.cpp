#include "ctl/ticketed_call.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "ctl/reply_fields.hpp"
#include "wire/control.hpp"

namespace liveswap::ctl {

namespace {

namespace control = wire::control;

constexpr auto kTicket = "ticket";
// A master that dies of what it is told is not to be told for ever.
constexpr int kSaidMost = 3;

// "": the kernel has no random numbers, as in its first seconds; then there is none.
std::string new_ticket() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) != static_cast<ssize_t>(bytes.size())) return "";
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::int64_t milliseconds_until(Client::Clock::time_point time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time - Client::Clock::now()).count();
}

bool is_unknown_ticket(const wire::varlink::Reply& reply) {
  return control::find_error(reply.error) == control::Error::TicketUnknown;
}

}  // namespace

TicketedCall::TicketedCall(Session& session, wire::Json parameters, std::optional<Clock::time_point> until,
                           std::function<void()> away)
    : session_(session),
      parameters_(std::move(parameters)),
      until_(until),
      way_back_(session, until),
      away_(std::move(away)) {
  if (std::string ticket = new_ticket(); !ticket.empty()) parameters_[kTicket] = std::move(ticket);
}

Client& TicketedCall::client() { return **session_.client(); }

std::expected<void, int> TicketedCall::send() {
  ++said_;
  const auto sent = session_.ask_for_more(parameters_);
  return sent ? std::expected<void, int>{} : std::unexpected(sent.error());
}

std::expected<wire::varlink::Reply, NoReply> TicketedCall::next(std::optional<Clock::time_point> deadline) {
  for (;;) {
    auto reply = client().next(deadline);
    const bool came_back = way_back_.is_away();
    const bool is_lost = !reply && reply.error().why == NoReply::Why::gone && parameters_.contains(kTicket);
    if (is_lost || (reply && came_back && is_full(*reply))) {
      if (way_back_.lost(reply ? NoReply{} : reply.error())) away_();
      if (auto back = way_back_.come_back(); !back) return std::unexpected(back.error());
      if (auto attached = attach(); !attached) return std::unexpected(attached.error());
    } else if (reply && came_back && is_unknown_ticket(*reply)) {
      if (auto said = say_again(); !said) return std::unexpected(said.error());
    } else {
      if (reply) way_back_.is_back();
      return reply;
    }
  }
}

std::expected<void, NoReply> TicketedCall::attach() {
  return client().send({.method = fmt::format("{}.Attach", control::kInterface),
                        .parameters = {{kTicket, parameters_[kTicket]}},
                        .more = true});
}

// What was asked to end has ended maybe, and this is the next one, which nobody has asked to.
std::expected<void, NoReply> TicketedCall::say_again() {
  if (session_.command() == "shutdown") {
    return std::unexpected(NoReply{NoReply::Why::gone, "the one that answers there now was not asked to end"});
  }
  if (way_back_.away() > control::kTicketSaidAgain) {
    return std::unexpected(NoReply{NoReply::Why::gone, "it was away for long, and cannot say what has become of it"});
  }
  if (++said_ > kSaidMost) {
    return std::unexpected(NoReply{NoReply::Why::gone, "it goes whenever it is told"});
  }
  way_back_.is_back();
  if (until_) parameters_["timeout_ms"] = std::max<std::int64_t>(1, milliseconds_until(*until_));
  return client().send({.method = fmt::format("{}.{}", control::kInterface, session_.method()),
                        .parameters = parameters_,
                        .more = true});
}

bool TicketedCall::is_full(const wire::varlink::Reply& reply) const {
  return text_in(object_in(reply.parameters, "outcome"), "reason") == core::name_of(core::Reason::too_many_clients);
}

}  // namespace liveswap::ctl
