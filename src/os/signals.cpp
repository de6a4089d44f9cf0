#include "os/signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

namespace liveswap::os {

Result<SignalFd> SignalFd::open(std::span<const int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) {
    if (::sigaddset(&set, signal) == -1) return fail("sigaddset", signal);
  }
  OwnedFd fd{adopt, ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd) return fail("signalfd");
  if (const int code = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); code != 0) {
    return fail_with(code, "pthread_sigmask");
  }
  return SignalFd(std::move(fd));
}

Result<std::optional<ReceivedSignal>> SignalFd::read() const {
  signalfd_siginfo info{};
  const ssize_t size = retry_interrupted([&] { return ::read(fd_.get(), &info, sizeof info); });
  if (size == -1 && errno == EAGAIN) return std::optional<ReceivedSignal>{};
  if (size == -1) return fail("read", "signalfd");
  return std::optional<ReceivedSignal>{ReceivedSignal{
      static_cast<int>(info.ssi_signo), static_cast<pid_t>(info.ssi_pid), info.ssi_uid, info.ssi_code}};
}

}  // namespace liveswap::os
