// A call that waits for the core's answer, for one app or several: tells what happens meanwhile, where the
// client wants to hear it, and ends with the outcome, the worst of several. Destroyed before that, it takes
// its requests back.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/action.hpp"
#include "core/event.hpp"
#include "core/snapshot.hpp"
#include "master/exchange.hpp"

namespace liveswap::master {

class WaitingCall final : public Pending {
 public:
  using MakeEvent = std::function<core::Event(core::RequestId, core::AppId)>;
  using Upgrades = std::map<core::AppId, CheckedUpgrade>;

  // Asks for each of `apps`; 0 stands for the master as a whole. With several apps every outcome is told as
  // it comes, where the client wants more than one reply.
  static std::unique_ptr<Pending> ask(const Exchange& exchange, const std::vector<core::AppId>& apps,
                                      const MakeEvent& event, Upgrades upgrades = {});

  ~WaitingCall() override;

 private:
  WaitingCall(Operations& master, Replies& replies, bool more)
      : master_(master), replies_(replies), more_(more) {}

  void ask_for(core::AppId app, const MakeEvent& event, Upgrades& upgrades);
  void noted(const Told& told);
  void answered(std::size_t index, const core::Outcome& outcome);

  Operations& master_;
  Replies& replies_;
  bool more_;
  std::vector<core::RequestId> open_;  // 0: answered
  std::vector<core::Outcome> outcomes_;
};

}  // namespace liveswap::master
