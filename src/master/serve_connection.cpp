#include "master/serve_connection.hpp"

#include <sys/socket.h>

#include <span>
#include <utility>

#include "core/text.hpp"
#include "os/close_aside.hpp"
#include "os/discard.hpp"
#include "os/scm.hpp"

namespace liveswap::master {

namespace {

constexpr std::size_t kReadBytes = std::size_t{4} << 10;  // in one turn of the loop

}  // namespace

// Its first turn is when it is writable, at once: what the protocol says before it has heard anything goes out then.
os::Result<std::unique_ptr<ServeConnection>> ServeConnection::open(loop::Loop& loop, os::OwnedFd socket,
                                                                   std::unique_ptr<ServeSession> session,
                                                                   std::chrono::microseconds time, Gone gone) {
  std::unique_ptr<ServeConnection> made(
      new ServeConnection(loop, std::move(socket), std::move(session), time, std::move(gone)));
  auto watch = loop::FdWatch::open(loop, made->socket_, {.writable = true},
                                   [raw = made.get()](loop::Readiness ready) { raw->on_ready(ready); });
  if (!watch) return std::unexpected(watch.error());
  made->watch_ = std::move(*watch);
  return made;
}

ServeConnection::ServeConnection(loop::Loop& loop, os::OwnedFd socket, std::unique_ptr<ServeSession> session,
                                 std::chrono::microseconds time, Gone gone)
    : socket_(std::move(socket)),
      session_(std::move(session)),
      gone_(std::move(gone)),
      time_is_up_(loop, [this, time] {
        end("was not done within " + core::text_of(time));
        on_ready({});
      }) {
  time_is_up_.start_after(time);
}

ServeConnection::~ServeConnection() { os::discard_unread(socket_); }

void ServeConnection::end(std::string complaint) {
  if (std::exchange(ended_, true)) return;
  complaint_ = std::move(complaint);
}

void ServeConnection::on_ready(loop::Readiness ready) {
  if (!ended_ && !std::exchange(begun_, true)) hand_over("");
  if (!ended_ && ready.readable && out_.empty()) read_some();
  if (!ended_) write_some();
  if (!ended_ && out_.empty() && session_->is_over()) end("");
  if (!ended_) return watch_->want({.readable = out_.empty(), .writable = !out_.empty()});
  watch_.reset();
  const Gone gone = std::move(gone_);
  const std::string complaint = std::move(complaint_);
  gone(sockets_given_, complaint);  // destroys this
}

// Descriptors that a client sends are closed, since nobody asked for them.
void ServeConnection::read_some() {
  auto got = os::receive_packet(socket_, kReadBytes, os::kMaxPacketFds, MSG_DONTWAIT);
  if (got && !*got) return;
  if (got) os::close_aside((*got)->fds);
  if (!got || (*got)->payload.empty()) return end("");
  hand_over({reinterpret_cast<const char*>((*got)->payload.data()), (*got)->payload.size()});
}

void ServeConnection::hand_over(std::string_view bytes) {
  auto said = session_->take(bytes);
  if (!said) return end(said.error());
  for (ServePiece& piece : *said) out_.push_back(std::move(piece));
}

void ServeConnection::write_some() {
  while (!out_.empty()) {
    const ServePiece& piece = out_.front();
    std::vector<os::FdRef> fds;
    if (sent_ == 0) fds.assign(piece.fds.begin(), piece.fds.end());
    const auto rest = std::as_bytes(std::span(piece.bytes)).subspan(sent_);
    const auto sent = os::send_some(socket_, rest, fds);
    if (!sent) return end(sent.error().code == EPIPE || sent.error().code == ECONNRESET ? "" : sent.error().message());
    if (*sent == 0) return;
    sockets_given_ += fds.size();
    sent_ += *sent;
    if (sent_ < piece.bytes.size()) continue;
    out_.pop_front();
    sent_ = 0;
  }
}

}  // namespace liveswap::master
