#include "master/waiting_call.hpp"

#include <utility>

#include "master/outcome_json.hpp"
#include "master/status_json.hpp"

namespace liveswap::master {

std::unique_ptr<Pending> WaitingCall::ask(const Exchange& exchange, const std::vector<core::AppId>& apps,
                                          const MakeEvent& event, Upgrades upgrades) {
  std::unique_ptr<WaitingCall> call(new WaitingCall(exchange.master, exchange.replies, exchange.call.more));
  for (const core::AppId app : apps) call->ask_for(app, event, upgrades);
  return call;
}

void WaitingCall::ask_for(core::AppId app, const MakeEvent& event, Upgrades& upgrades) {
  const std::size_t index = open_.size();
  RequestHandlers handlers{
      .answered = [this, index](const core::Outcome& outcome) { answered(index, outcome); }};
  if (more_) handlers.noted = [this](const Told& told) { noted(told); };
  const core::RequestId request = master_.open_request(app, std::move(handlers));
  open_.push_back(request);
  if (auto upgrade = upgrades.extract(app)) master_.set_upgrade(request, std::move(upgrade.mapped()));
  master_.post(event(request, app));
}

WaitingCall::~WaitingCall() {
  for (const core::RequestId request : open_) {
    if (request) master_.close_request(request);
  }
}

void WaitingCall::noted(const Told& told) {
  if (replies_.congested()) return;
  replies_.send({.parameters = {{"event", event_json(told)}}, .continues = true});
}

void WaitingCall::answered(std::size_t index, const core::Outcome& outcome) {
  open_[index] = core::RequestId{};
  outcomes_.push_back(outcome);
  const core::Snapshot apps = master_.snapshot();
  if (more_ && open_.size() > 1) {
    replies_.send({.parameters = {{"outcome", outcome_json(outcome, apps)}}, .continues = true});
  }
  if (outcomes_.size() == open_.size()) replies_.send(reply_of(worst_of(outcomes_), apps));
}

}  // namespace liveswap::master
