// What a worker finds in its environment: liveswap-worker(7), "ENVIRONMENT".
#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "wire/decimal.hpp"
#include "wire/slice.hpp"
#include "worker/worker_state.hpp"

namespace liveswap::worker {
namespace {

constexpr int kFirstListener = 3;

constexpr const char* kVariables[] = {"LIVESWAP_CHANNEL", "LISTEN_FDS",    "LISTEN_PID",  "LISTEN_FDNAMES",
                                      "NOTIFY_SOCKET",    "WATCHDOG_USEC", "WATCHDOG_PID"};

// nullopt: not set. An empty variable counts as not set.
std::optional<std::string_view> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string_view{value};
}

// A number for this process alone is marked by its pid, since variables are inherited and descriptors need
// not be.
enum class Addressee { nobody, us, another };
Addressee addressee(const char* pid_variable) {
  const auto text = variable(pid_variable);
  if (!text) return Addressee::nobody;
  const auto pid = wire::parse_decimal(*text);
  return pid && *pid == static_cast<std::uint64_t>(::getpid()) ? Addressee::us : Addressee::another;
}

int set_close_on_exec(int fd) {
  const int flags = ::fcntl(fd, F_GETFD);
  if (flags == -1) return -errno;
  return ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == -1 ? -errno : 0;
}

// The next of the names in LISTEN_FDNAMES, "" when there are no more.
std::string_view next_name(std::string_view& names) {
  const std::string_view name = wire::slice(names, 0, names.find(':'));
  names = wire::slice(names, name.size() + 1);
  return name;
}

int read_listeners(liveswap_worker& worker) {
  const auto text = variable("LISTEN_FDS");
  if (!text || addressee("LISTEN_PID") != Addressee::us) return 0;
  const auto count = wire::parse_decimal(*text, INT_MAX - kFirstListener);
  if (!count) return -EINVAL;
  std::string_view names = variable("LISTEN_FDNAMES").value_or("");
  for (int i = 0; i < static_cast<int>(*count); ++i) {
    const int fd = kFirstListener + i;
    if (const int result = set_close_on_exec(fd); result != 0) return result;
    if (!worker.listeners.add(next_name(names), fd)) return -ENOMEM;
  }
  return 0;
}

int read_channel(liveswap_worker& worker) {
  const auto text = variable("LIVESWAP_CHANNEL");
  if (!text || addressee("LISTEN_PID") == Addressee::another) return 0;
  const auto fd = wire::parse_decimal(*text, INT_MAX);
  if (!fd) return -EINVAL;
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(static_cast<int>(*fd), SOL_SOCKET, SO_TYPE, &type, &size) == -1) return -EBADF;
  if (type != SOCK_SEQPACKET) return -EBADF;
  worker.channel = static_cast<int>(*fd);
  worker.protocol = LIVESWAP_NATIVE;
  return set_close_on_exec(worker.channel);
}

// A path, or '@' and an abstract name.
int open_notify_socket(liveswap_worker& worker) {
  const auto path = variable("NOTIFY_SOCKET");
  if (!path || worker.protocol == LIVESWAP_NATIVE) return 0;
  NotifySocket& notify = worker.notify;
  if ((path->front() != '/' && path->front() != '@') || path->size() >= sizeof notify.address.sun_path) {
    return -EINVAL;
  }
  notify.address.sun_family = AF_UNIX;
  std::memcpy(notify.address.sun_path, path->data(), path->size());
  if (path->front() == '@') notify.address.sun_path[0] = '\0';
  notify.address_size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path->size());
  notify.fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return notify.fd == -1 ? -errno : 0;
}

int read_watchdog(liveswap_worker& worker) {
  const auto text = variable("WATCHDOG_USEC");
  if (!text || addressee("WATCHDOG_PID") == Addressee::another) return 0;
  const auto interval = wire::parse_decimal(*text);
  if (!interval) return -EINVAL;
  worker.watchdog_usec = *interval;
  return 0;
}

int take_sigterm(liveswap_worker& worker) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  worker.signal_fd = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (worker.signal_fd == -1) return -errno;
  return -::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

int read_environment(liveswap_worker& worker, unsigned flags) {
  int result = read_listeners(worker);
  if (result == 0) result = read_channel(worker);
  if (result == 0) result = open_notify_socket(worker);
  if (result == 0) result = read_watchdog(worker);
  if (result != 0) return result;
  if (worker.protocol == LIVESWAP_NONE && (worker.notify.fd != -1 || worker.listeners.count() > 0)) {
    worker.protocol = LIVESWAP_SYSTEMD;
  }
  if ((flags & LIVESWAP_DRAIN_ON_SIGTERM) != 0 && worker.protocol != LIVESWAP_NATIVE) {
    result = take_sigterm(worker);
  }
  if (result == 0 && (flags & LIVESWAP_UNSET_ENVIRONMENT) != 0) {
    for (const char* name : kVariables) ::unsetenv(name);
  }
  return result;
}

}  // namespace liveswap::worker
