#include "master/tcp_session.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include "core/text.hpp"
#include "master/commands.hpp"
#include "master/tcp_request.hpp"

namespace liveswap::master {

namespace {

constexpr std::size_t kReadBytes = std::size_t{16} << 10;

}  // namespace

os::Result<std::unique_ptr<TcpSession>> TcpSession::open(loop::Loop& loop, Operations& master, os::OwnedFd socket,
                                                         Peer peer, std::string folder, const TcpLimits& limits,
                                                         Gone gone) {
  std::unique_ptr<TcpSession> session(new TcpSession(loop, master, std::move(socket), std::move(peer),
                                                     std::move(folder), limits, std::move(gone)));
  auto watch = loop::FdWatch::open(loop, session->socket_, {.readable = true},
                                   [raw = session.get()](loop::Readiness) { raw->on_readable(); });
  if (!watch) return std::unexpected(watch.error());
  session->watch_ = std::move(*watch);
  session->watch_what_matters();
  return session;
}

TcpSession::TcpSession(loop::Loop& loop, Operations& master, os::OwnedFd socket, Peer peer, std::string folder,
                       const TcpLimits& limits, Gone gone)
    : master_(master),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      folder_(std::move(folder)),
      limits_(limits),
      gone_(std::move(gone)),
      in_(limits.line_bytes),
      later_(loop, [this] { turn_ended(); }),
      patience_(loop, [this] {
        drop(waiting_ == Waiting::line_end
                 ? "did not end the line that it had begun within " + core::text_of(limits_.line_time)
                 : "");
        turn_ended();
      }) {}

TcpSession::~TcpSession() = default;

void TcpSession::drop(std::string complaint) {
  if (dropped_) return;
  dropped_ = true;
  complaint_ = std::move(complaint);
}

void TcpSession::on_readable() {
  read_some();
  turn_ended();
}

void TcpSession::read_some() {
  std::array<char, kReadBytes> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv() fills it
  const auto got = os::retry_interrupted(
      [&] { return ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT); });
  if (got == 0) ended_ = true;
  if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK) drop("");
  if (got <= 0) return;
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  if (!std::exchange(begun_, true) && bytes.front() != '{') return drop("began with what is no request");
  in_.feed(bytes, [this](std::optional<std::string_view> line) { take(line); });
}

void TcpSession::take(std::optional<std::string_view> line) {
  if (!line) return drop(fmt::format("sent a line of more than {} bytes", limits_.line_bytes));
  if (!dropped_) lines_.emplace_back(*line);
}

void TcpSession::answer_lines() {
  while (!answering_ && !dropped_ && !lines_.empty()) {
    pending_.reset();
    const std::string line = std::move(lines_.front());
    lines_.pop_front();
    answer(line);
  }
}

void TcpSession::answer(const std::string& line) {
  const auto owner = peer_.owner();
  if (!owner) return drop("is not believed any more: " + owner.error());
  if (*owner != peer_.uid) return drop(fmt::format("is of another user now: uid {}", *owner));
  const auto request = read_tcp_request(line, folder_);
  if (!request) {
    cmd_ = request.error().cmd;
    if (!cmd_.empty()) write("bad_request: the line " + request.error().text);
    return drop("sent a line that " + request.error().text);
  }
  cmd_ = request->cmd;
  answering_ = true;
  pending_ = answer_call({master_, request->call, peer_.level, peer_.uid, *this});
}

// Comes from inside of answer_call(), or later.
void TcpSession::send(const wire::varlink::Reply& reply) {
  assert(answering_ && !reply.continues);
  answering_ = false;
  later_.schedule();
  write(tcp_verdict(reply));
}

// A client that leaves so many answers unread that the socket's buffer is full is none.
void TcpSession::write(std::string_view value) {
  if (dropped_) return;
  const std::string line = tcp_reply_line(cmd_, value);
  const auto put = os::retry_interrupted(
      [&] { return ::send(socket_.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
  if (put == static_cast<ssize_t>(line.size())) return;
  drop(put < 0 && errno != EAGAIN && errno != EWOULDBLOCK ? "" : "did not read its answers");
}

void TcpSession::turn_ended() {
  answer_lines();
  if (dropped_ || (ended_ && !answering_ && lines_.empty())) {
    watch_.reset();
    patience_.stop();
    const Gone gone = std::move(gone_);
    const std::string complaint = std::move(complaint_);
    return gone(complaint);  // destroys this
  }
  watch_what_matters();
}

// While a request is answered nothing is read, and nothing is waited for but its end.
void TcpSession::watch_what_matters() {
  watch_->want({.readable = !answering_ && !ended_});
  const Waiting now = answering_ ? Waiting::nothing : in_.has_part() ? Waiting::line_end : Waiting::request;
  if (std::exchange(waiting_, now) == now && now != Waiting::request) return;
  patience_.stop();
  if (now == Waiting::request) patience_.start_after(limits_.idle_time);
  if (now == Waiting::line_end) patience_.start_after(limits_.line_time);
}

}  // namespace liveswap::master
