#include "master/children.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "os/pidfd.hpp"

namespace liveswap::master {
namespace {

constexpr int kReapedATurn = 200;
constexpr std::chrono::milliseconds kPatience{1000};  // who was killed and is not gone by then hangs in the kernel

}  // namespace

Children::~Children() {
  const auto give_up_at = loop_.now() + kPatience;
  for (const Left& left : left_) {
    pollfd ended{.fd = left.pidfd.get(), .events = POLLIN, .revents = 0};
    // Each end may interrupt this, where the host has a handler for CHLD.
    (void)os::retry_interrupted([&] {
      const auto wait = std::chrono::ceil<std::chrono::milliseconds>(give_up_at - loop_.now());
      return ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(wait.count(), 0)));
    });
  }
  reap_left();
}

// Most of those that end there are nobody's here.
void Children::ended_elsewhere(pid_t pid, const os::ExitStatus& status) {
  const auto known = known_.find(pid);
  if (known == known_.end()) return;
  elsewhere_.insert_or_assign(pid, status);
  const std::function<void()> handler = known->second;  // it may forget itself
  handler();
}

std::optional<os::ExitStatus> Children::take_ended_elsewhere(pid_t pid) {
  auto ended = elsewhere_.extract(pid);
  return ended ? std::optional(ended.mapped()) : std::nullopt;
}

void Children::leave(os::OwnedFd pidfd) {
  reap_left();
  Left& left = left_.emplace_back(std::move(pidfd), nullptr);
  auto watch = loop::FdWatch::open(loop_, left.pidfd, {.readable = true}, [this](loop::Readiness) { reap_left(); });
  if (watch) left.watch = std::move(*watch);
}

void Children::reap_left() {
  std::erase_if(left_, [](const Left& left) {
    const auto status = os::wait_pidfd(left.pidfd);
    return !status || *status;
  });
}

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
