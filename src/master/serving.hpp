// All sockets at which other programs fetch listeners: those of the plan's `serve`, opened together or not at all.
//
// Owned by Master.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "loop/loop.hpp"
#include "master/access.hpp"
#include "master/listeners.hpp"
#include "master/log.hpp"
#include "master/serve_server.hpp"
#include "master/served_listeners.hpp"

namespace liveswap::master {

class Serving {
 public:
  Serving(Listeners& listeners, const core::MasterPlan& plan, const Log& log) : listeners_(listeners, plan, log) {}

  // The error is one sentence.
  [[nodiscard]] std::expected<void, std::string> open(loop::Loop& loop, const Log& log, const core::ServePlan& plan,
                                                      const AccessRules& rules, Keeper& keeper);

 private:
  ServedListeners listeners_;
  std::vector<std::unique_ptr<ServeServer>> servers_;
};

}  // namespace liveswap::master
