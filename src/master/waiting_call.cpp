#include "master/waiting_call.hpp"

#include <utility>

#include "master/outcome_json.hpp"
#include "master/status_json.hpp"

namespace liveswap::master {

namespace {

core::RequestId post_request(Operations& master, core::AppId app, RequestHandlers handlers,
                             const WaitingCall::MakeEvent& event, WaitingCall::Upgrades& upgrades) {
  const core::RequestId request = master.open_request(app, std::move(handlers));
  if (auto upgrade = upgrades.extract(app)) master.set_upgrade(request, std::move(upgrade.mapped()));
  master.post(event(request, app));
  return request;
}

}  // namespace

std::unique_ptr<Pending> WaitingCall::ask(const Exchange& exchange, const std::vector<core::AppId>& apps,
                                          const MakeEvent& event, Upgrades upgrades) {
  if (exchange.ticket != nullptr) {
    std::vector<TicketPart> parts;
    for (const core::AppId app : apps) {
      parts.push_back({.request = post_request(exchange.master, app, {}, event, upgrades), .app = app});
    }
    exchange.master.keep_ticket(exchange.ticket->ticket, exchange.ticket->call, std::move(parts));
    return attach(exchange, exchange.ticket->ticket);
  }
  std::unique_ptr<WaitingCall> call(new WaitingCall(exchange, apps.size()));
  for (const core::AppId app : apps) call->ask_for(app, event, upgrades);
  return call;
}

std::unique_ptr<Pending> WaitingCall::attach(const Exchange& exchange, const Ticket& ticket) {
  std::unique_ptr<WaitingCall> call(new WaitingCall(exchange, exchange.master.find_ticket(ticket)->parts));
  // When something happens nobody knows, so the client hears at once that he is where he wanted to be.
  if (exchange.call.more && exchange.ticket == nullptr) exchange.replies.send({.continues = true});
  call->attachment_ = exchange.master.attach(
      ticket, {.answered = [raw = call.get()](const core::Outcome& outcome,
                                              std::size_t left) { raw->answered(outcome, left); },
               .noted = call->note_handler()});
  return call;
}

void WaitingCall::ask_for(core::AppId app, const MakeEvent& event, Upgrades& upgrades) {
  const auto own = std::make_shared<core::RequestId>();
  const auto hear = [this, own](const core::Outcome& outcome) {
    open_.erase(*own);
    answered(outcome, open_.size());
  };
  *own = post_request(master_, app, {.answered = hear, .noted = note_handler()}, event, upgrades);
  open_.insert(*own);
}

WaitingCall::~WaitingCall() {
  if (attachment_) master_.detach(*attachment_);
  for (const core::RequestId request : open_) master_.close_request(request);
}

std::function<void(const Told&)> WaitingCall::note_handler() {
  if (!more_) return {};
  return [this](const Told& told) {
    if (replies_.congested()) return;
    replies_.send({.parameters = {{"event", event_json(told)}}, .continues = true});
  };
}

void WaitingCall::answered(const core::Outcome& outcome, std::size_t left) {
  outcomes_.push_back(outcome);
  const core::Snapshot apps = master_.snapshot();
  if (more_ && parts_ > 1) {
    replies_.send({.parameters = {{"outcome", outcome_json(outcome, apps)}}, .continues = true});
  }
  if (left == 0) replies_.send(reply_of(worst_of(outcomes_), apps));
}

}  // namespace liveswap::master
