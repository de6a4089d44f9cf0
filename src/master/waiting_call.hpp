// A call that waits for the core's answer, for one app or several: tells what happens meanwhile, where the
// client wants to hear it, and ends with the outcome, the worst of several. Destroyed before that, it takes
// its requests back; those with a ticket wait on for whoever has it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
  // To hear of what was asked before with a ticket, which is known.
  static std::unique_ptr<Pending> attach(const Exchange& exchange, const Ticket& ticket);

  ~WaitingCall() override;

 private:
  WaitingCall(const Exchange& exchange, std::size_t parts)
      : master_(exchange.master), replies_(exchange.replies), more_(exchange.call.more), parts_(parts) {}

  void ask_for(core::AppId app, const MakeEvent& event, Upgrades& upgrades);
  [[nodiscard]] std::function<void(const Told&)> note_handler();
  void answered(const core::Outcome& outcome, std::size_t left);

  Operations& master_;
  Replies& replies_;
  bool more_;
  std::size_t parts_;
  std::set<core::RequestId> open_;  // without a ticket
  std::optional<AttachmentId> attachment_;
  std::vector<core::Outcome> outcomes_;
};

}  // namespace liveswap::master
