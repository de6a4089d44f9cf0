#include "master/leftovers.hpp"

#include <utility>

namespace liveswap::master {
namespace {

constexpr std::size_t kHeldMax = 64;  // descriptors that a worker with very many processes may take up

}  // namespace

bool Leftovers::look() {
  watch_.reset();
  members_ = find_();
  if (members_.size() > kHeldMax) members_.resize(kHeldMax);
  watch_next();
  return !members_.empty();
}

void Leftovers::watch_next() {
  while (!members_.empty()) {
    auto watch = loop::FdWatch::open(loop_, members_.back().pidfd, {.readable = true},
                                     [this](loop::Readiness) { on_ended(); });
    if (watch) {
      watch_ = std::move(*watch);
      return;
    }
    members_.pop_back();
  }
}

void Leftovers::on_ended() {
  watch_.reset();
  members_.pop_back();
  watch_next();
  if (!members_.empty() || look()) return;
  const std::function<void()> gone = std::move(gone_);  // it may destroy this
  gone();
}

}  // namespace liveswap::master
