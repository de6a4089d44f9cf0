// Numbers for the descriptors of one worker, under which copies of them are kept for the next master (keeper.hpp).
//
// Owned by the worker's process; one thread.
#pragma once

#include <cstdint>
#include <utility>

#include "core/ids.hpp"
#include "master/keeper.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// Lives as long as the descriptor is open; number 0: no copy is kept.
struct KeptPart {
  std::uint32_t number = 0;
  Kept kept;
};

// What the master before has left.
struct LeftPart {
  os::OwnedFd fd;
  KeptPart part;
};

class WorkerKeeper {
 public:
  // No keeper: nothing is kept.
  WorkerKeeper(Keeper* keeper, core::WorkerId worker) : keeper_(keeper), worker_(worker) {}

  [[nodiscard]] KeptPart keep(KeepRole role, os::FdRef fd) {
    if (keeper_ == nullptr) return {};
    const std::uint32_t number = ++last_;
    return {number, keeper_->keep(key(role, number), fd)};
  }
  // An error: it could not be kept.
  [[nodiscard]] os::Result<LeftPart> take(KeepRole role, std::uint32_t number) {
    auto left = keeper_ == nullptr ? std::nullopt : keeper_->take(key(role, number));
    if (!left) return os::fail_with(0, "the master before could not leave its " + std::string(wire::guard::name(role)));
    return LeftPart{std::move(left->fd), {number, std::move(left->kept)}};
  }

  [[nodiscard]] std::uint32_t last() const { return last_; }
  void go_on_from(std::uint32_t last) { last_ = last; }

 private:
  [[nodiscard]] KeepKey key(KeepRole role, std::uint32_t number) const { return {role, number, worker_.value}; }

  Keeper* keeper_;
  core::WorkerId worker_;
  std::uint32_t last_ = 0;
};

}  // namespace liveswap::master
