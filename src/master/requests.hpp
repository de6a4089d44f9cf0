// The operators' requests that wait for their answers: who hears of them, and what they override.
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

  void set_overrides(core::RequestId request, ReleaseOverrides overrides);
  // Those of a request that waits; none for a request that never had any, and for the master's own.
  [[nodiscard]] ReleaseOverrides overrides_of(std::optional<core::RequestId> request) const;

  // The last thing that the request hears.
  void answer(core::RequestId request, const core::Outcome& outcome);
  // To every request about the note's app, or about all.
  void tell(const Told& told);

 private:
  struct Waiting {
    core::AppId app;
    RequestHandlers handlers;
    ReleaseOverrides overrides;
  };

  std::map<core::RequestId, Waiting> waiting_;
  core::RequestId last_{};
};

}  // namespace liveswap::master
