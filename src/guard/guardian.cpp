#include "guard/guardian.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>
#include <variant>

#include "guard/ancestry.hpp"
#include "guard/notify.hpp"
#include "guard/succession.hpp"

namespace liveswap::guard {
namespace {

namespace wire_guard = wire::guard;
using wire_guard::EndKind;

constexpr int kFailed = 1;
constexpr std::int64_t kLongLifeMs = 10000;  // a master that lived so long is replaced at once
constexpr std::int64_t kFirstWaitMs = 100;
constexpr std::int64_t kLastWaitMs = 5000;
constexpr std::uint32_t kUnestablishedMax = 3;  // then the state may be what kills them
constexpr std::size_t kSignalsMax = 16;
constexpr int kPacketsATurn = 256;
constexpr int kTidyAfterMs = 1000;  // once a master is there for good

std::int64_t now_ms() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

// To standard error, where that takes it now.
[[gnu::format(printf, 1, 2)]] void say(const char* format, ...) {
  std::array<char, 256> text{};
  va_list arguments;
  va_start(arguments, format);
  const int size = std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  if (size <= 0 || ::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
  (void)::dprintf(STDERR_FILENO, "liveswap: %s\n", text.data());
}

EndKind kind_of(const siginfo_t& info) { return info.si_code == CLD_EXITED ? EndKind::exited : EndKind::signaled; }

// Nobody else can have ended under that number: it has not been reaped.
bool peek_child(idtype_t type, id_t id, siginfo_t& info) {
  info = {};
  return ::waitid(type, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

// From the linker: where this program's own file is mapped.
extern "C" const char __executable_start, __etext;

// Pages of the program that only its start has touched; what is needed again comes back from the page cache.
void let_go_of_start_up() {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(&__executable_start) & ~(page - 1);
  const auto last = reinterpret_cast<std::uintptr_t>(&__etext) & ~(page - 1);
  (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

void reap_child(pid_t pid) {
  siginfo_t info{};
  (void)::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
}

}  // namespace

Guardian::Guardian(const Parts& parts) : parts_(parts) { established_ = parts_.channel != -1; }

bool Guardian::succeed(int image) {
  Legacy legacy;
  if (!take_over(image, legacy, store_)) return false;
  master_ = legacy.master;
  parts_.channel = legacy.channel;
  parts_.program = legacy.program;
  parts_.parent = legacy.parent;
  parts_.inheritance.oom_score = legacy.oom_score;
  parts_.inheritance.descriptors = {legacy.descriptors_soft, legacy.descriptors_hard};
  deaths_ = legacy.deaths;
  unestablished_ = legacy.unestablished;
  quick_ = legacy.quick;
  established_ = legacy.established != 0;
  last_kind_ = static_cast<EndKind>(legacy.last_kind);
  last_code_ = legacy.last_code;
  started_ms_ = legacy.started_ms;
  (void)send(parts_.channel, wire_guard::GuardianReplaced{.error = 0});
  reap();
  return true;
}

// Comes back only where it failed.
void Guardian::become_another(int program) {
  const Legacy legacy{.master = master_,
                      .channel = parts_.channel,
                      .program = parts_.program,
                      .parent = parts_.parent,
                      .deaths = deaths_,
                      .unestablished = unestablished_,
                      .quick = quick_,
                      .established = established_ ? 1U : 0U,
                      .last_kind = static_cast<std::uint32_t>(last_kind_),
                      .last_code = last_code_,
                      .oom_score = parts_.inheritance.oom_score,
                      .started_ms = started_ms_,
                      .descriptors_soft = parts_.inheritance.descriptors.rlim_cur,
                      .descriptors_hard = parts_.inheritance.descriptors.rlim_max};
  const int error =
      hand_over(program, legacy, store_, parts_.inheritance.arguments, parts_.inheritance.environment);
  (void)send(parts_.channel, wire_guard::GuardianReplaced{.error = error});
}

int Guardian::run() {
  while (!result_) {
    const bool runs = master_ != 0 || parts_.parent != -1;
    if (!runs && now_ms() >= start_at_ms_) start();
    if (!result_) wait();
  }
  return *result_;
}

void Guardian::start() {
  const Started started = start_master(parts_.program, parts_.inheritance);
  if (started.pid == -1) {
    say("the master cannot be started: %s", std::strerror(errno));
    if (deaths_ == 0) result_ = kFailed;
    return plan_restart(false);
  }
  master_ = started.pid;
  parts_.channel = started.channel;
  started_ms_ = now_ms();
  established_ = blocked_ = false;
  const bool without_state = std::exchange(without_state_, false);
  (void)send(parts_.channel, wire_guard::Hello{.successor = deaths_ > 0,
                                               .deaths = deaths_,
                                               .last_kind = last_kind_,
                                               .last_code = last_code_,
                                               .without_state = without_state,
                                               .guardian = ::getpid()});
  send_signals();
}

bool Guardian::wants_to_write() const { return blocked_ && (giving_ || !signals_.empty() || established_); }

void Guardian::wait() {
  std::array<pollfd, 3> waiting{pollfd{parts_.signals, POLLIN, 0}, pollfd{parts_.channel, POLLIN, 0},
                                pollfd{parts_.parent, POLLIN, 0}};
  if (wants_to_write()) waiting[1].events |= POLLOUT;
  int timeout = -1;
  if (master_ == 0 && parts_.parent == -1) {
    timeout = static_cast<int>(std::max<std::int64_t>(start_at_ms_ - now_ms(), 0));
  }
  if (tidy_at_ms_ != 0) timeout = kTidyAfterMs;
  const int ready = ::poll(waiting.data(), waiting.size(), timeout);
  if (tidy_at_ms_ != 0 && now_ms() >= tidy_at_ms_) {
    tidy_at_ms_ = 0;
    let_go_of_start_up();
  }
  if (ready <= 0) return;
  if ((waiting[1].revents & POLLOUT) != 0) {
    blocked_ = false;
    give_more();
    send_signals();
    reap_orphans();
  }
  if ((waiting[1].revents & ~POLLOUT) != 0) read_channel();
  if (waiting[0].revents != 0) read_signals();
  if (waiting[2].revents != 0) {
    ::close(std::exchange(parts_.parent, -1));
    read_channel();
    master_ended(EndKind::unknown, 0);
  }
}

// ---- signals and children ----

void Guardian::read_signals() {
  signalfd_siginfo info{};
  bool child_ended = false;
  while (::read(parts_.signals, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) {
      child_ended = true;
      continue;
    }
    const auto pid = static_cast<pid_t>(info.ssi_pid);
    if (signals_.size() >= kSignalsMax) signals_.erase(signals_.begin());
    signals_.push_back({.signo = info.ssi_signo,
                        .pid = pid,
                        .uid = info.ssi_uid,
                        .from_below = pid != 0 && descends_from_here(pid)});
  }
  send_signals();
  if (child_ended) reap();
}

void Guardian::send_signals() {
  while (parts_.channel != -1 && !signals_.empty()) {
    if (!send(parts_.channel, signals_.front())) {
      blocked_ = true;
      return;
    }
    signals_.erase(signals_.begin());
  }
}

void Guardian::reap() {
  siginfo_t info{};
  if (master_ != 0 && peek_child(P_PID, static_cast<id_t>(master_), info)) {
    while (parts_.channel != -1) read_channel();  // what it said before it ended, to the end
    reap_child(master_);
    master_ = 0;
    master_ended(kind_of(info), info.si_status);
  }
  reap_orphans();
}

// Before a master has taken over nobody would hear of them: they stay zombies until then.
void Guardian::reap_orphans() {
  siginfo_t info{};
  while (established_ && parts_.channel != -1 && peek_child(P_ALL, 0, info) && info.si_pid != master_) {
    const bool signaled = kind_of(info) == EndKind::signaled;
    if (!send(parts_.channel, wire_guard::Exited{.pid = info.si_pid,
                                                 .kind = kind_of(info),
                                                 .code = info.si_status,
                                                 .core = signaled && info.si_code == CLD_DUMPED})) {
      blocked_ = true;
      return;
    }
    reap_child(info.si_pid);
  }
}

// ---- the master ----

void Guardian::read_channel() {
  for (int i = 0; i < kPacketsATurn && parts_.channel != -1; ++i) {
    Received received = receive(parts_.channel);
    if (received.kind == Received::Kind::nothing) return;
    if (received.kind == Received::Kind::closed) {
      ::close(std::exchange(parts_.channel, -1));  // its end is told by SIGCHLD
      giving_.reset();
      return;
    }
    take(received);
  }
}

void Guardian::take(Received& received) {
  const bool has_descriptor = received.fd != -1 || received.lost_a_descriptor;
  const auto message = wire_guard::decode(std::span(received.bytes).first(received.size), has_descriptor ? 1 : 0,
                                          wire_guard::End::guardian);
  if (message) {
    take(*message, received.fd, received.lost_a_descriptor);
  } else if (received.fd != -1) {
    ::close(received.fd);
  }
}

// `fd` is ours from now on.
void Guardian::take(const wire_guard::Message& message, int fd, bool lost_a_descriptor) {
  if (const auto* keep = std::get_if<wire_guard::Keep>(&message)) {
    if (!lost_a_descriptor) return store_.keep(keep->key, fd);
    store_.drop(keep->key);
    (void)send(parts_.channel, wire_guard::KeepFailed{.key = keep->key, .error = EMFILE});
    return;
  }
  if (std::holds_alternative<wire_guard::ReplaceBinary>(message) && fd != -1) {
    ::close(std::exchange(parts_.program, fd));
    return;
  }
  if (std::holds_alternative<wire_guard::ReplaceGuardian>(message) && fd != -1) become_another(fd);
  if (const auto* drop = std::get_if<wire_guard::Drop>(&message)) store_.drop(drop->key);
  if (const auto* request = std::get_if<wire_guard::Notify>(&message); request && parts_.notify_address != nullptr) {
    notify(parts_.notify_address, *request, fd);
  }
  if (const auto* ending = std::get_if<wire_guard::Ending>(&message)) ending_ = static_cast<int>(ending->status);
  if (std::holds_alternative<wire_guard::AskStore>(message)) {
    giving_ = 0;
    give_more();
  }
  if (std::holds_alternative<wire_guard::Established>(message)) {
    established_ = true;
    unestablished_ = 0;
    tidy_at_ms_ = now_ms() + kTidyAfterMs;
    reap_orphans();
  }
  if (fd != -1) ::close(fd);
}

void Guardian::give_more() {
  while (giving_ && parts_.channel != -1) {
    const auto& entries = store_.entries();
    const bool all = *giving_ >= entries.size();
    const bool sent =
        all ? send(parts_.channel, wire_guard::Given{.count = static_cast<std::uint32_t>(entries.size())})
            : send(parts_.channel, wire_guard::Give{.key = entries[*giving_].key}, entries[*giving_].fd);
    if (!sent) {
      blocked_ = true;
      return;
    }
    if (all) return giving_.reset();
    ++*giving_;
  }
}

void Guardian::master_ended(EndKind kind, int code) {
  if (parts_.channel != -1) ::close(std::exchange(parts_.channel, -1));
  giving_.reset();
  if (ending_) {
    result_ = *ending_;
    return;
  }
  const bool never_began = deaths_ == 0 && !established_;
  if (never_began && kind == EndKind::exited) {
    result_ = code;  // it has said why
    return;
  }
  ++deaths_;
  last_kind_ = kind;
  last_code_ = code;
  if (!established_ && ++unestablished_ >= kUnestablishedMax) {
    unestablished_ = 0;
    without_state_ = true;
  }
  if (kind == EndKind::signaled) say("the master has died by signal %d (%s)", code, ::sigabbrev_np(code));
  if (kind == EndKind::exited) say("the master has ended with status %d, unasked", code);
  if (kind == EndKind::unknown) say("the master has died");
  plan_restart(std::exchange(established_, false) && now_ms() - started_ms_ >= kLongLifeMs);
}

void Guardian::plan_restart(bool lived_long) {
  quick_ = lived_long ? 0 : quick_ + 1;
  const bool at_once = quick_ <= 1;
  const std::int64_t wait = at_once ? 0 : std::min(kLastWaitMs, kFirstWaitMs << std::min<std::uint32_t>(quick_ - 2, 6));
  start_at_ms_ = now_ms() + wait;
  say("another takes its place%s; its workers serve meanwhile", wait == 0 ? "" : " in a moment");
}

}  // namespace liveswap::guard
