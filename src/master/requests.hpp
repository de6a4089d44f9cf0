// The operators' requests that wait for their answers: who hears of them, and what they upgrade to.
//
// Owned by Master; not thread-safe. A handler may close any request, its own included.
#pragma once

#include <map>
#include <optional>

#include "core/ids.hpp"
#include "master/operations.hpp"

namespace liveswap::master {

class Requests {
 public:
  core::RequestId open(core::AppId app, RequestHandlers handlers);

  // False: there is no such request any more (it has been answered).
  bool close(core::RequestId request) { return waiting_.erase(request) != 0; }

  void set_upgrade(core::RequestId request, CheckedUpgrade upgrade);
  // What the request upgrades to, once; nothing for one that is no upgrade, and for the master's own. It is there until
  // the core has answered, though the client may have gone: what it asked for is done.
  [[nodiscard]] std::optional<CheckedUpgrade> take_upgrade(std::optional<core::RequestId> request);

  // The last thing that the request hears.
  void answer(core::RequestId request, const core::Outcome& outcome);
  // To every request about the note's app, or about all.
  void tell(const Told& told);

 private:
  struct Waiting {
    core::AppId app;
    RequestHandlers handlers;
  };

  std::map<core::RequestId, Waiting> waiting_;
  std::map<core::RequestId, CheckedUpgrade> upgrades_;
  core::RequestId last_{};
};

}  // namespace liveswap::master
