#include "master/control_connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cassert>
#include <utility>

#include "core/text.hpp"
#include "master/commands.hpp"
#include "os/close_aside.hpp"
#include "os/discard.hpp"
#include "os/scm.hpp"

namespace liveswap::master {

namespace {

// What one turn of the loop does for one client at most, so that nobody waits long for his own.
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr int kCallsPerTurn = 16;
// While a call is answered, as much is read on: enough to notice that the client has gone.
constexpr std::size_t kReadAhead = std::size_t{64} << 10;

}  // namespace

os::Result<std::unique_ptr<ControlConnection>> ControlConnection::open(loop::Loop& loop, Operations& master,
                                                                       os::OwnedFd socket, uid_t uid,
                                                                       wire::control::Level level,
                                                                       const ControlLimits& limits,
                                                                       Gone gone) {
  std::unique_ptr<ControlConnection> connection(
      new ControlConnection(loop, master, std::move(socket), uid, level, limits, std::move(gone)));
  auto watch = loop::FdWatch::open(loop, connection->socket_, {.readable = true},
                                   [raw = connection.get()](loop::Readiness ready) { raw->on_ready(ready); });
  if (!watch) return std::unexpected(watch.error());
  connection->watch_ = std::move(*watch);
  return connection;
}

ControlConnection::ControlConnection(loop::Loop& loop, Operations& master, os::OwnedFd socket, uid_t uid,
                                     wire::control::Level level, const ControlLimits& limits, Gone gone)
    : master_(master),
      socket_(std::move(socket)),
      uid_(uid),
      level_(level),
      limits_(limits),
      gone_(std::move(gone)),
      in_(limits.message_bytes),
      later_(loop, [this] { turn_ended(); }),
      message_timer_(
          loop,
          [this] {
            drop("did not end the message that it had begun within " + core::text_of(limits_.message_time));
            turn_ended();
          }),
      read_timer_(loop, [this] {
        drop("did not read its replies for " + core::text_of(limits_.read_time));
        turn_ended();
      }) {}

ControlConnection::~ControlConnection() { os::discard_unread(socket_); }

void ControlConnection::drop(std::string complaint) {
  if (dropped_) return;
  dropped_ = true;
  complaint_ = std::move(complaint);
}

void ControlConnection::on_ready(loop::Readiness ready) {
  if (ready.writable) write_some();
  if (ready.readable) read_some();
  turn_ended();
}

void ControlConnection::read_some() {
  auto got = os::receive_packet(socket_, kReadBytes, os::kMaxPacketFds, MSG_DONTWAIT);
  if (!got) return drop("");
  if (!*got) return;
  os::close_aside((*got)->fds);
  const auto& bytes = (*got)->payload;
  if (bytes.empty()) {
    ended_ = true;
    if (peer_hung_up()) drop("");
  } else if (!in_.feed({reinterpret_cast<const char*>(bytes.data()), bytes.size()})) {
    drop("sent a message of more than " + std::to_string(limits_.message_bytes) + " bytes");
  }
}

// A client may close only its sending side, and still want its replies.
bool ControlConnection::peer_hung_up() const {
  pollfd state{socket_.get(), 0, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

void ControlConnection::send(const wire::varlink::Reply& reply) {
  assert(answering_);
  if (!reply.continues) {
    answering_ = false;
    later_.schedule();
  }
  if (oneway_ || dropped_) return;
  out_ += write_reply(reply);
  if (unsent() > limits_.unread_bytes) drop("left too many replies unread");
  write_some();
  if (dropped_) {
    later_.schedule();
  } else {
    watch_what_matters();
  }
}

void ControlConnection::write_some() {
  while (unsent() > 0 && !dropped_) {
    const auto put = os::retry_interrupted(
        [&] { return ::send(socket_.get(), out_.data() + sent_, unsent(), MSG_DONTWAIT | MSG_NOSIGNAL); });
    if (put < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) drop("");
      break;
    }
    sent_ += static_cast<std::size_t>(put);
    reply_unread_ = false;  // it reads: the time starts anew
  }
  if (unsent() == 0) {
    std::string().swap(out_);
    sent_ = 0;
  } else if (sent_ > out_.size() / 2) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
}

void ControlConnection::answer_calls() {
  for (int calls = 0; !answering_ && !congested() && !dropped_; ++calls) {
    pending_.reset();
    if (calls == kCallsPerTurn && in_.has_message()) return later_.schedule();
    const auto message = in_.next();
    if (!message) return;
    answer(*message);
  }
}

void ControlConnection::answer(const std::string& message) {
  const auto call = wire::varlink::parse_call(message);
  if (!call) return drop("sent what is no call: " + std::string(call.error().reason));
  answering_ = true;
  oneway_ = call->oneway;
  pending_ = answer_call({master_, *call, level_, uid_, *this});
  assert(pending_ || !answering_);
}

void ControlConnection::turn_ended() {
  if (!dropped_) answer_calls();
  if (is_over()) {
    watch_.reset();
    const Gone gone = std::move(gone_);
    const std::string complaint = std::move(complaint_);
    return gone(complaint);  // destroys this
  }
  watch_what_matters();
}

bool ControlConnection::is_over() const {
  return dropped_ || (ended_ && !answering_ && !in_.has_message() && unsent() == 0);
}

void ControlConnection::watch_what_matters() {
  const bool ready_for_calls = !answering_ && !congested();
  watch_->want(
      {.readable = !ended_ && (ready_for_calls || in_.held() < kReadAhead), .writable = unsent() > 0});

  if (in_.has_part() && !std::exchange(message_begun_, true)) {
    message_timer_.start_after(limits_.message_time);
  } else if (!in_.has_part() && std::exchange(message_begun_, false)) {
    message_timer_.stop();
  }
  if (unsent() > 0 && !std::exchange(reply_unread_, true)) {
    read_timer_.start_after(limits_.read_time);
  } else if (unsent() == 0) {
    reply_unread_ = false;
    read_timer_.stop();
  }
}

}  // namespace liveswap::master
