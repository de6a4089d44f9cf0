#include "os/signal_state.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace liveswap::os {
namespace {

constexpr int kLastSignal = 64;
constexpr std::size_t kKernelSigsetSize = 8;

}  // namespace

void reset_signal_state() {
  // SIG_DFL, no flags, empty mask is all zeros in the kernel's struct sigaction of every architecture.
  constexpr std::array<std::uint64_t, 8> kDefaultAction{};
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, kDefaultAction.data(), nullptr,
              kKernelSigsetSize);  // KILL, STOP: EINVAL
  }
  constexpr std::uint64_t kNone = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &kNone, nullptr, kKernelSigsetSize);
}

}  // namespace liveswap::os
