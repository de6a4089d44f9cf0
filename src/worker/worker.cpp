// The functions of liveswap/worker.h.
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "wire/decimal.hpp"
#include "wire/slice.hpp"
#include "worker/worker_state.hpp"

namespace channel = liveswap::wire::channel;
using liveswap::worker::receive_one;
using liveswap::worker::send_notification;
using liveswap::worker::send_on_channel;

namespace {

constexpr std::size_t kStatusMax = 1024;               // bytes of text that are sent
constexpr std::uint64_t kReportIntervalUsec = 100000;  // between two numbers of connections
constexpr std::uint64_t kPingsPerInterval = 4;         // of the watchdog
constexpr std::string_view kLibrary = "libliveswap " LIVESWAP_VERSION;

std::uint64_t now_usec() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

bool was_sent_within(const liveswap::worker::LastSent& last, std::uint64_t usec, std::uint64_t now) {
  return last.sent && now - last.at_usec < usec;
}

// Says the same on the channel or by sd_notify, whichever there is.
int say(liveswap_worker& worker, const channel::Message& message, std::string_view notification) {
  if (worker.protocol == LIVESWAP_NATIVE) return send_on_channel(worker, message);
  return send_notification(worker, notification);
}

// Each SIGTERM is a request to drain, of which nobody said how long it may take.
int process_signals(liveswap_worker& worker) {
  int handled = 0;
  signalfd_siginfo signal{};
  while (worker.signal_fd != -1 && ::read(worker.signal_fd, &signal, sizeof signal) == sizeof signal) {
    ++handled;
    if (worker.callbacks.drain != nullptr) worker.callbacks.drain(worker.callback_data, -1);
  }
  return handled;
}

}  // namespace

extern "C" {

const char* liveswap_version(void) { return LIVESWAP_VERSION; }

int liveswap_open(liveswap_worker** worker, unsigned flags) {
  *worker = nullptr;
  auto* opened = static_cast<liveswap_worker*>(std::calloc(1, sizeof(liveswap_worker)));
  if (opened == nullptr) return -ENOMEM;
  opened->channel = -1;
  opened->signal_fd = -1;
  opened->notify.fd = -1;
  int result = liveswap::worker::read_environment(*opened, flags);
  if (result == 0 && opened->protocol == LIVESWAP_NATIVE) {
    // A master that is gone already is told by liveswap_process, as at any other time.
    result = send_on_channel(*opened, channel::Hello{kLibrary, static_cast<int>(::getpid())});
    if (result == -EPIPE) result = 0;
  }
  if (result != 0) {
    liveswap_close(opened);
    return result;
  }
  *worker = opened;
  return 0;
}

void liveswap_close(liveswap_worker* worker) {
  if (worker == nullptr) return;
  if (worker->channel != -1) ::close(worker->channel);
  if (worker->signal_fd != -1) ::close(worker->signal_fd);
  if (worker->notify.fd != -1) ::close(worker->notify.fd);
  worker->listeners.free_all();
  std::free(worker);
}

enum liveswap_protocol liveswap_worker_protocol(const liveswap_worker* worker) { return worker->protocol; }

size_t liveswap_listener_count(const liveswap_worker* worker) { return worker->listeners.count(); }

int liveswap_listener_fd(const liveswap_worker* worker, size_t index) {
  const auto* listener = worker->listeners.at(index);
  return listener == nullptr ? -EINVAL : listener->fd;
}

const char* liveswap_listener_name(const liveswap_worker* worker, size_t index) {
  const auto* listener = worker->listeners.at(index);
  return listener == nullptr ? "" : listener->name;
}

int liveswap_find_listener(const liveswap_worker* worker, const char* name, size_t nth) {
  for (std::size_t i = 0; i < worker->listeners.count(); ++i) {
    const auto* listener = worker->listeners.at(i);
    if (std::strcmp(listener->name, name) == 0 && nth-- == 0) return listener->fd;
  }
  return -ENOENT;
}

void liveswap_set_callbacks(liveswap_worker* worker, const struct liveswap_callbacks* callbacks, void* data) {
  worker->callbacks = callbacks == nullptr ? liveswap_callbacks{} : *callbacks;
  worker->callback_data = data;
}

int liveswap_fd(const liveswap_worker* worker) {
  return worker->channel != -1 ? worker->channel : worker->signal_fd;
}

int liveswap_process(liveswap_worker* worker) {
  int handled = process_signals(*worker);
  while (worker->channel != -1) {
    const int result = receive_one(*worker);
    if (result < 0) return result;
    if (result == 0) break;
    handled += result;
  }
  return handled;
}

int liveswap_ready(liveswap_worker* worker) { return say(*worker, channel::Ready{}, "READY=1"); }

int liveswap_stopping(liveswap_worker* worker) { return say(*worker, channel::Stopping{}, "STOPPING=1"); }

int liveswap_watchdog(liveswap_worker* worker) {
  const std::uint64_t now = now_usec();
  if (worker->watchdog_usec == 0) return 0;
  if (was_sent_within(worker->watchdog, worker->watchdog_usec / kPingsPerInterval, now)) return 0;
  const int result = say(*worker, channel::Watchdog{}, "WATCHDOG=1");
  if (result == 0) worker->watchdog = {.sent = true, .at_usec = now};
  return result;
}

// A line break would end the STATUS line of a notification and begin another one.
int liveswap_status(liveswap_worker* worker, const char* text) {
  constexpr std::string_view kKey = "STATUS=";
  char line[kKey.size() + kStatusMax];
  std::memcpy(line, kKey.data(), kKey.size());
  const std::size_t length = ::strnlen(text, kStatusMax);
  for (std::size_t i = 0; i < length; ++i) line[kKey.size() + i] = text[i] == '\n' ? ' ' : text[i];
  const std::string_view whole{line, kKey.size() + length};
  return say(*worker, channel::Status{liveswap::wire::slice(whole, kKey.size())}, whole);
}

int liveswap_extend(liveswap_worker* worker, uint64_t microseconds) {
  char line[64];
  const int length = std::snprintf(line, sizeof line, "EXTEND_TIMEOUT_USEC=%llu",
                                   static_cast<unsigned long long>(microseconds));
  return say(*worker, channel::Extend{microseconds}, {line, static_cast<std::size_t>(length)});
}

int liveswap_connections(liveswap_worker* worker, uint64_t open) {
  if (worker->protocol != LIVESWAP_NATIVE) return 0;
  const std::uint64_t now = now_usec();
  if (open != 0 && was_sent_within(worker->connections, kReportIntervalUsec, now)) return 0;
  const int result = send_on_channel(*worker, channel::Connections{open});
  if (result == 0) worker->connections = {.sent = true, .at_usec = now};
  return result;
}

uint64_t liveswap_watchdog_interval(const liveswap_worker* worker) { return worker->watchdog_usec; }

}  // extern "C"
