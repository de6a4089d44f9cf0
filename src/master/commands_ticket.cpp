// Calls with a ticket: said once, heard of as often as the client comes back.
#include <nlohmann/json.hpp>

#include "master/commands.hpp"
#include "master/outcome_json.hpp"
#include "master/waiting_call.hpp"
#include "wire/json_fields.hpp"

namespace liveswap::master {

namespace {

constexpr std::string_view kTicket = "ticket";

// FNV-1a: a mistake is to be noticed, and the next master, of another version maybe, is to come to the same. Who says
// it again has less time left, and asks for the same nevertheless.
std::uint64_t digest_of(wire::Json parameters) {
  parameters.erase("timeout_ms");
  std::uint64_t digest = 0xcbf29ce484222325;
  for (const char c : wire::dump_json(parameters)) {
    digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return digest;
}

std::unique_ptr<Pending> refuse_ticket(const Exchange& exchange) {
  exchange.invalid_parameter(kTicket);
  return nullptr;
}

}  // namespace

std::unique_ptr<Pending> answer_with_ticket(const Exchange& exchange,
                                            std::unique_ptr<Pending> (*answer)(const Exchange&)) {
  const auto given = exchange.call.parameters.find(kTicket);
  if (given == exchange.call.parameters.end()) return answer(exchange);
  wire::varlink::Call call = exchange.call;
  call.parameters.erase(std::string(kTicket));
  if (given->is_null()) return answer({exchange.master, call, exchange.level, exchange.uid, exchange.replies});
  if (!given->is_string() || !wire::control::is_ticket(given->get_ref<const std::string&>())) {
    return refuse_ticket(exchange);
  }
  const GivenTicket ticket{.ticket = {exchange.uid, given->get<std::string>()},
                           .call = {call.method, digest_of(call.parameters)}};
  if (const auto known = exchange.master.find_ticket(ticket.ticket)) {
    if (known->call != ticket.call) return refuse_ticket(exchange);
    return WaitingCall::attach(exchange, ticket.ticket);
  }
  return answer({exchange.master, call, exchange.level, exchange.uid, exchange.replies, &ticket});
}

std::unique_ptr<Pending> call_Attach(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto text = fields.text(kTicket);
  if (!text || !wire::control::is_ticket(*text)) fields.refuse(kTicket);
  if (const auto bad = fields.bad()) {
    exchange.invalid_parameter(*bad);
    return nullptr;
  }
  const Ticket ticket{exchange.uid, *text};
  if (exchange.master.find_ticket(ticket)) return WaitingCall::attach(exchange, ticket);
  auto reply = reply_of(refused(core::Result::failed, core::Reason::ticket_unknown, ""), exchange.master.snapshot());
  reply.error = full_name_of(wire::control::Error::TicketUnknown);
  exchange.replies.send(reply);
  return nullptr;
}

}  // namespace liveswap::master
