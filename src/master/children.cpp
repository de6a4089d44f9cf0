#include "master/children.hpp"

#include "os/pidfd.hpp"

namespace liveswap::master {
namespace {

constexpr int kReapedATurn = 200;

}  // namespace

void Children::reap() {
  pid_t handled = 0;
  for (int i = 0; i < kReapedATurn; ++i) {
    const auto ended = os::peek_ended_child();
    if (!ended || !*ended) return;
    const pid_t pid = **ended;
    const auto known = known_.find(pid);
    // One whose handler did not reap it would be met for ever.
    if (known == known_.end() || pid == handled) {
      (void)os::reap(pid);
      continue;
    }
    const std::function<void()> handler = known->second;  // it may forget itself
    handler();
    handled = pid;
  }
  more_.schedule();
}

}  // namespace liveswap::master
