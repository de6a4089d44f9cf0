#include "master/guardian_link.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <variant>

#include "os/discard.hpp"
#include "os/scm.hpp"

namespace liveswap::master {
namespace {

namespace guard = wire::guard;
using namespace std::chrono_literals;

constexpr auto kGreetingPatience = 10s;
constexpr auto kEndingPatience = 1s;
constexpr int kPacketsATurn = 64;

os::Result<void> wait_for(os::FdRef channel, short events, std::chrono::steady_clock::time_point until) {
  pollfd waiting{.fd = channel.get(), .events = events, .revents = 0};
  const int ready = os::retry_interrupted([&] {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    return ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  });
  if (ready == -1) return os::fail("poll", "guardian");
  if (ready == 0) return os::fail_with(ETIMEDOUT, "the guardian");
  return {};
}

os::ExitStatus status_of(const guard::Exited& exited) {
  using Kind = os::ExitStatus::Kind;
  switch (exited.kind) {
    case guard::EndKind::exited: return {Kind::exited, exited.code, false};
    case guard::EndKind::signaled: return {Kind::signaled, exited.code, exited.core};
    default: return {Kind::unknown, 0, false};
  }
}

os::Result<void> send_now(os::FdRef channel, const guard::Message& message) {
  std::array<std::byte, guard::kPacketSize> packet{};
  if (auto encoded = guard::encode(message, 0, packet); !encoded) {
    return os::fail_with(0, "guardian: " + std::string(encoded.error().reason));
  }
  const auto sent = os::send_packet(channel, packet);
  if (!sent) return std::unexpected(sent.error());
  return {};
}

// Reads packets until what was waited for is whole.
class Reception {
 public:
  explicit Reception(os::OwnedFd channel) { greeting_.channel = std::move(channel); }

  os::Result<Greeting> run(bool expect_hello) {
    const auto until = std::chrono::steady_clock::now() + kGreetingPatience;
    if (!expect_hello) {
      if (auto asked = send_now(greeting_.channel, guard::AskStore{}); !asked) return std::unexpected(asked.error());
    }
    while (!done_) {
      if (auto readable = wait_for(greeting_.channel, POLLIN, until); !readable) {
        return std::unexpected(readable.error());
      }
      auto packet = os::receive_packet(greeting_.channel, guard::kPacketSize, 1, MSG_DONTWAIT);
      if (!packet) return std::unexpected(packet.error());
      if (!*packet) continue;
      if ((*packet)->eof) return os::fail_with(0, "the guardian has gone");
      if (auto taken = take(**packet); !taken) return std::unexpected(taken.error());
    }
    return std::move(greeting_);
  }

 private:
  os::Result<void> take(os::ReceivedPacket& packet) {
    // One descriptor that this process had no room for is known by the packet's having lost it.
    const std::size_t descriptors = packet.truncated ? 1 : packet.fds.size();
    const auto message = guard::decode(packet.payload, descriptors, guard::End::master);
    if (!message) return os::fail_with(0, "the guardian says what cannot be: " + std::string(message.error().reason));
    if (const auto* hello = std::get_if<guard::Hello>(&*message)) {
      greeting_.hello = *hello;
      if (!hello->successor) return done();
      return send_now(greeting_.channel, guard::AskStore{});
    }
    if (const auto* give = std::get_if<guard::Give>(&*message)) {
      if (!packet.fds.empty()) greeting_.store.push_back({give->key, std::move(packet.fds.front())});
      return {};
    }
    if (std::holds_alternative<guard::Given>(*message)) return done();
    greeting_.early.emplace_back(packet.payload);
    return {};
  }

  os::Result<void> done() {
    done_ = true;
    return {};
  }

  Greeting greeting_;
  bool done_ = false;
};

}  // namespace

os::Result<Greeting> greet_guardian(os::OwnedFd channel) { return Reception(std::move(channel)).run(true); }

os::Result<Greeting> ask_guardian(os::OwnedFd channel) { return Reception(std::move(channel)).run(false); }

GuardianLink::GuardianLink(loop::Loop& loop, os::OwnedFd channel, Handlers handlers)
    : channel_(std::move(channel)), handlers_(std::move(handlers)), early_timer_(loop, [this] {
        for (const auto& packet : std::exchange(early_, {})) take(packet, 0);
      }) {}

os::Result<std::unique_ptr<GuardianLink>> GuardianLink::open(loop::Loop& loop, os::OwnedFd channel,
                                                             std::vector<std::vector<std::byte>> early,
                                                             Handlers handlers) {
  std::unique_ptr<GuardianLink> link(new GuardianLink(loop, std::move(channel), std::move(handlers)));
  auto watch = loop::FdWatch::open(loop, link->channel_, {.readable = true},
                                   [self = link.get()](loop::Readiness ready) { self->on_ready(ready); });
  if (!watch) return std::unexpected(watch.error());
  link->watch_ = std::move(*watch);
  link->early_ = std::move(early);
  if (!link->early_.empty()) link->early_timer_.start_after(0us);
  return link;
}

// ---- to the guardian ----

Keeper::Store GuardianLink::store() {
  return {.keep = [this](const KeepKey& key, os::FdRef fd) { keep(key, fd); },
          .drop = [this](const KeepKey& key) { drop(key); }};
}

void GuardianLink::keep(const KeepKey& key, os::FdRef fd) { say(guard::Keep{key}, fd); }
void GuardianLink::drop(const KeepKey& key) { say(guard::Drop{key}); }
void GuardianLink::replace_binary(os::FdRef program) { say(guard::ReplaceBinary{}, program); }
void GuardianLink::replace_guardian(os::FdRef program) { say(guard::ReplaceGuardian{}, program); }
void GuardianLink::notify(const guard::Notify& notification, std::optional<os::FdRef> fd) { say(notification, fd); }
void GuardianLink::say_established() { say(guard::Established{}); }

void GuardianLink::say_ending(int status) {
  say(guard::Ending{static_cast<std::uint32_t>(status)});
  (void)flush(kEndingPatience);
}

void GuardianLink::say(const guard::Message& message, std::optional<os::FdRef> fd) {
  if (ended_) return;
  std::array<std::byte, guard::kPacketSize> packet{};
  if (!guard::encode(message, fd ? 1 : 0, packet)) return;  // a text that systemd could not be told either
  if (queue_.empty()) {
    const auto sent = send(packet, fd);
    if (sent && *sent) return;
    if (!sent && sent.error().code == EPIPE) return;  // reading tells
  }
  Packet queued{{packet.begin(), packet.end()}, {}};
  if (fd) {
    auto duplicate = os::dup_cloexec(*fd);
    if (!duplicate) {
      const auto* keep = std::get_if<guard::Keep>(&message);
      if (keep != nullptr && handlers_.keep_failed) handlers_.keep_failed(keep->key, duplicate.error().code);
      return;
    }
    queued.fd = std::move(*duplicate);
  }
  queue_.push_back(std::move(queued));
  if (watch_) watch_->want({.readable = true, .writable = true});
}

// False: not now. So it is, too, where an ordinary user has too many descriptors on their way.
os::Result<bool> GuardianLink::send(std::span<const std::byte> bytes, std::optional<os::FdRef> fd) const {
  const auto fds = fd ? std::span<const os::FdRef>(&*fd, 1) : std::span<const os::FdRef>();
  const auto sent = os::send_packet(channel_, bytes, fds, MSG_DONTWAIT);
  if (sent) return *sent == os::SendOutcome::sent;
  if (sent.error().code == ETOOMANYREFS) return false;
  return std::unexpected(sent.error());
}

void GuardianLink::send_queued() {
  while (!queue_.empty()) {
    const Packet& next = queue_.front();
    const auto sent = send(next.bytes, next.fd ? std::optional<os::FdRef>(next.fd) : std::nullopt);
    if (sent && !*sent) return;
    queue_.pop_front();  // an error is the channel's end, which reading tells
  }
  if (watch_) watch_->want({.readable = true});
}

bool GuardianLink::flush(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!queue_.empty() && !ended_) {
    if (!wait_for(channel_, POLLOUT, until)) return false;
    send_queued();
  }
  return !ended_;
}

// ---- from the guardian ----

void GuardianLink::on_ready(loop::Readiness ready) {
  if (ready.writable) send_queued();
  if (ready.readable) read_packets();
}

void GuardianLink::read_packets() {
  for (int i = 0; i < kPacketsATurn && !ended_; ++i) {
    auto packet = os::receive_packet(channel_, guard::kPacketSize, 1, MSG_DONTWAIT);
    if (packet && !*packet) return;
    if (!packet || (*packet)->eof) return end();
    take((*packet)->payload, (*packet)->truncated ? 1 : (*packet)->fds.size());
  }
}

// What cannot be understood is skipped: our guardian is as trusted as we are, and may be of another version.
void GuardianLink::take(std::span<const std::byte> packet, std::size_t descriptors) {
  const auto message = guard::decode(packet, descriptors, guard::End::master);
  if (!message) return;
  if (const auto* signal = std::get_if<guard::Signal>(&*message)) return handlers_.signal(*signal);
  if (const auto* exited = std::get_if<guard::Exited>(&*message)) {
    return handlers_.ended(exited->pid, status_of(*exited));
  }
  if (const auto* failed = std::get_if<guard::KeepFailed>(&*message)) {
    return handlers_.keep_failed(failed->key, failed->error);
  }
  if (const auto* replaced = std::get_if<guard::GuardianReplaced>(&*message)) handlers_.replaced(replaced->error);
}

void GuardianLink::end() {
  ended_ = true;
  watch_.reset();
  queue_.clear();
  handlers_.gone();
}

}  // namespace liveswap::master
