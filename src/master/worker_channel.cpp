#include "master/worker_channel.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <variant>

#include "master/workers_state.hpp"
#include "wire/channel.hpp"
#include "wire/printable.hpp"
#include "os/close_aside.hpp"

namespace liveswap::master {
namespace {

namespace channel = wire::channel;

constexpr int kPacketsATurn = 32;
constexpr std::size_t kUnsentMax = 16;
constexpr std::size_t kObjectMax = 1024;  // bytes of a path in an error text

std::string text_of(const channel::Failed& failed) {
  const std::string object = wire::printable_text(failed.object, kObjectMax);
  return fmt::format("{}{}{}: {}", failed.step, object.empty() ? "" : " ", object, os::errno_text(failed.error));
}

}  // namespace

os::Result<std::unique_ptr<WorkerChannel>> WorkerChannel::open(loop::Loop& loop, os::OwnedFd end, bool kept,
                                                               Handlers handlers, KeptPart part) {
  auto opened = std::unique_ptr<WorkerChannel>(new WorkerChannel(std::move(end), kept, std::move(handlers)));
  opened->part_ = std::move(part);
  if (auto on = os::receive_credentials(opened->end_); !on) return std::unexpected(on.error());
  auto watch = loop::FdWatch::open(loop, opened->end_, {.readable = true},
                                   [self = opened.get()](loop::Readiness ready) { self->on_ready(ready); });
  if (!watch) return std::unexpected(watch.error());
  opened->watch_ = std::move(*watch);
  return opened;
}

WorkerChannelState WorkerChannel::save() const {
  WorkerChannelState state{.channel = phase_ == Phase::ended ? 0 : part_.number,
                           .phase = static_cast<std::uint32_t>(phase_),
                           .told_running = told_running_,
                           .unsent = {}};
  for (const auto& packet : unsent_) {
    state.unsent.emplace_back(reinterpret_cast<const char*>(packet.data()), packet.size());
  }
  return state;
}

os::Result<std::unique_ptr<WorkerChannel>> WorkerChannel::go_on(loop::Loop& loop, LeftPart left, bool kept,
                                                                Handlers handlers, WorkerChannelState state) {
  auto opened = open(loop, std::move(left.fd), kept, std::move(handlers), std::move(left.part));
  if (!opened) return opened;
  WorkerChannel& channel = **opened;
  if (state.phase <= static_cast<std::uint32_t>(Phase::heard)) channel.phase_ = static_cast<Phase>(state.phase);
  channel.told_running_ = state.told_running;
  channel.restored_ = true;
  for (const std::string& packet : state.unsent) {
    const auto bytes = std::as_bytes(std::span(packet));
    channel.unsent_.emplace_back(bytes.begin(), bytes.end());
  }
  (void)channel.send_unsent();
  return opened;
}

os::Result<void> WorkerChannel::let_go() {
  std::array<std::byte, channel::kHeaderSize> packet{};
  const auto size = channel::encode(channel::Go{}, 0, packet);
  if (!size) return os::fail_with(0, std::string(size.error().reason));
  return send({packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(*size)});
}

void WorkerChannel::on_ready(loop::Readiness ready) {
  if (ready.writable) (void)send_unsent();  // a program that has closed its end is found out by reading
  if (ready.readable) on_readable();
}

void WorkerChannel::on_readable() {
  for (int i = 0; i < kPacketsATurn && phase_ != Phase::ended; ++i) {
    auto packet = os::receive_packet(end_, channel::kPacketMax, channel::kDescriptorsMax, MSG_DONTWAIT);
    if (packet && !*packet) return;
    if (!packet || (*packet)->eof) return close();
    take(**packet);
    os::close_aside((*packet)->fds);
  }
}

void WorkerChannel::finish() {
  on_readable();
  if (phase_ == Phase::executing) tell_running();
}

void WorkerChannel::take(os::ReceivedPacket& packet) {
  if (phase_ != Phase::heard && take_from_launcher(packet)) return;
  phase_ = Phase::heard;
  tell_running();
  handlers_.said(packet.payload, packet.fds.size());
}

bool WorkerChannel::take_from_launcher(os::ReceivedPacket& packet) {
  const auto message = channel::decode(packet.payload, packet.fds.size(), channel::End::master);
  if (!message && packet.truncated && phase_ == Phase::launching) {  // the notifier did not fit into this process
    fail(fmt::format("receive seccomp notifier: {}", os::errno_text(EMFILE)));
    return true;
  }
  if (!message) return false;
  if (std::holds_alternative<channel::Executing>(*message)) {
    phase_ = Phase::executing;
    if (kept_) tell_running();
    return true;
  }
  if (std::holds_alternative<channel::Filter>(*message)) return take_filter(packet);
  const auto* failed = std::get_if<channel::Failed>(&*message);
  if (failed == nullptr) return false;
  fail(text_of(*failed));
  return true;
}

void WorkerChannel::fail(const std::string& text) {
  phase_ = Phase::ended;
  part_ = {};
  watch_.reset();
  handlers_.failed(text);
}

// Behind EXECUTING it could be the program that speaks, and who may answer its calls is not for it to say.
bool WorkerChannel::take_filter(os::ReceivedPacket& packet) {
  if (phase_ != Phase::launching) return false;
  if (handlers_.filter) handlers_.filter(std::move(packet.fds.front()));
  return true;
}

void WorkerChannel::tell_running() {
  if (!std::exchange(told_running_, true)) handlers_.running();
}

void WorkerChannel::close() {
  const Phase before = std::exchange(phase_, Phase::ended);
  part_ = {};
  watch_.reset();
  if (before == Phase::launching && !restored_) {
    handlers_.failed("");
  } else {
    tell_running();
  }
}

os::Result<void> WorkerChannel::send(std::vector<std::byte> packet) {
  if (phase_ == Phase::ended) return os::fail_with(EPIPE, "sendmsg(channel)");
  unsent_.push_back(std::move(packet));
  return send_unsent();
}

bool WorkerChannel::congested() const { return unsent_.size() >= kUnsentMax; }

os::Result<void> WorkerChannel::send_unsent() {
  os::Result<void> result;
  auto next = unsent_.begin();
  for (; next != unsent_.end(); ++next) {
    const auto outcome = os::send_packet(end_, *next, {}, MSG_DONTWAIT);
    if (outcome && *outcome == os::SendOutcome::would_block) break;
    if (outcome) continue;
    result = std::unexpected(outcome.error());
    next = unsent_.end();
    break;
  }
  unsent_.erase(unsent_.begin(), next);
  if (watch_) watch_->want({.readable = true, .writable = !unsent_.empty()});
  return result;
}

}  // namespace liveswap::master
