#include "master/node_link.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <span>
#include <utility>

#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "os/close_aside.hpp"
#include "os/scm.hpp"
#include "os/socket.hpp"

namespace liveswap::master {
namespace {

constexpr std::size_t kPieceMax = std::size_t{64} << 10;
constexpr int kPiecesATurn = 16;  // a worker that never stops talking leaves the others their turn

}  // namespace

NodeLink::NodeLink(Settings settings, Handlers handlers)
    : settings_(std::move(settings)), handlers_(std::move(handlers)), session_(settings_.ready_when) {}

// Both ends are a stream, as libuv wants it; it makes its end non-blocking by itself.
os::Result<std::unique_ptr<NodeLink>> NodeLink::open(loop::Loop& loop, Settings settings, Handlers handlers) {
  auto pair = os::open_socket_pair(SOCK_STREAM);
  if (!pair) return std::unexpected(pair.error());
  auto link = std::unique_ptr<NodeLink>(new NodeLink(std::move(settings), std::move(handlers)));
  link->ours_ = std::move(pair->first);
  link->theirs_ = std::move(pair->second);
  link->kept_ = link->handlers_.link.keep(link->ours_);
  if (auto watched = link->watch(loop); !watched) return std::unexpected(watched.error());
  return link;
}

os::Result<void> NodeLink::watch(loop::Loop& loop) {
  auto watch = loop::FdWatch::open(loop, ours_, {.readable = true}, [this](loop::Readiness ready) {
    if (ready.writable) write();
    if (ready.readable) on_readable();
  });
  if (!watch) return std::unexpected(watch.error());
  watch_ = std::move(*watch);
  return {};
}

LinkState NodeLink::save() const {
  core::ArchiveWriter session;
  session(session_);
  const auto bytes = session.bytes();
  NodeLinkState state{.channel = watch_ ? kept_.number : 0,
                      .session = {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                      .written = written_,
                      .told_foreign = told_foreign_,
                      .told_ready = told_ready_,
                      .to_send = {}};
  for (const auto& [key, sent] : to_send_) state.to_send.emplace_back(key, sent.kept.number);
  return state;
}

os::Result<std::unique_ptr<NodeLink>> NodeLink::go_on(loop::Loop& loop, Settings settings, Handlers handlers,
                                                      NodeLinkState state) {
  auto link = std::unique_ptr<NodeLink>(new NodeLink(std::move(settings), std::move(handlers)));
  core::ArchiveReader session(std::as_bytes(std::span(state.session)), core::kArchiveVersion);
  session(link->session_);
  if (session.failed()) return os::fail_with(0, "what was said on Node's channel cannot be understood");
  link->written_ = state.written;
  link->told_foreign_ = state.told_foreign;
  link->told_ready_ = state.told_ready;
  if (state.channel == 0) return link;
  auto ours = link->handlers_.link.take(state.channel);
  if (!ours) return std::unexpected(ours.error());
  link->ours_ = std::move(ours->fd);
  link->kept_ = std::move(ours->part);
  for (auto& [key, number] : state.to_send) {
    auto sent = link->handlers_.link.take(number);
    if (!sent) return std::unexpected(sent.error());
    link->to_send_.insert_or_assign(std::move(key), Sent{std::move(sent->fd), std::move(sent->part)});
  }
  if (auto watched = link->watch(loop); !watched) return std::unexpected(watched.error());
  link->write();
  return link;
}

LinkGift NodeLink::gift(int free) const {
  return {.variables = {{"NODE_CHANNEL_FD", std::to_string(free)}}, .descriptors = {{theirs_, free}}};
}

void NodeLink::on_readable() {
  for (int i = 0; i < kPiecesATurn && watch_; ++i) {
    auto piece = os::receive_packet(ours_, kPieceMax, os::kMaxPacketFds, MSG_DONTWAIT);
    if (piece && !*piece) return;
    if (!piece || (*piece)->eof) return close();
    if (!(*piece)->fds.empty() && !std::exchange(told_foreign_, true)) {
      handlers_.link.problem("sends handles to its primary, which has no use for them: closed");
    }
    os::close_aside((*piece)->fds);
    take({reinterpret_cast<const char*>((*piece)->payload.data()), (*piece)->payload.size()});
  }
}

void NodeLink::take(std::string_view bytes) {
  protocols::NodeHeard heard = session_.receive(bytes);
  for (const std::string& key : heard.arrived) to_send_.erase(key);
  for (const std::string& key : heard.closed) to_send_.erase(key);
  for (const wire::node::ServerQuery& query : heard.asked) answer(query);
  if (session_.is_ready() && !std::exchange(told_ready_, true)) {
    heard.events.emplace_back(protocols::Ready{settings_.ready_when});
  }
  if (!heard.events.empty()) handlers_.link.said(heard.events);
  write();
}

// The descriptor is duplicated for the time until it is sent: the listener can be closed before that.
void NodeLink::answer(const wire::node::ServerQuery& query) {
  auto server = handlers_.server(query);
  if (!server) {
    handlers_.link.problem(server.error().text);
    return session_.refuse(query, server.error().error);
  }
  auto copy = os::dup_cloexec(server->fd);
  if (!copy) {
    handlers_.link.problem(copy.error().message());
    return session_.refuse(query, copy.error().code);
  }
  KeptPart kept = handlers_.link.keep(*copy);
  to_send_.insert_or_assign(wire::node::key_of(query), Sent{std::move(*copy), std::move(kept)});
  session_.grant(query, server->data);
}

// A descriptor goes with the first byte of its line, and is kept until the worker has it: the session sends the line
// again if it got lost.
void NodeLink::write() {
  while (watch_) {
    const protocols::NodeSession::Line* line = session_.outgoing();
    if (line == nullptr) return watch_->want({.readable = true});
    const auto rest = std::as_bytes(std::span(line->text)).subspan(written_);
    const auto server = written_ == 0 ? to_send_.find(line->key) : to_send_.end();
    const os::FdRef fd = server != to_send_.end() ? os::FdRef(server->second.fd) : os::FdRef();
    const auto sent = os::send_some(ours_, rest, fd.valid() ? std::span(&fd, 1) : std::span<const os::FdRef>());
    if (!sent) return watch_->want({.readable = true});  // the worker reads no more; if it has left, reading tells
    if (*sent == 0) return watch_->want({.readable = true, .writable = true});
    written_ += *sent;
    if (written_ < line->text.size()) continue;
    written_ = 0;
    session_.sent();
  }
}

bool NodeLink::ask_to_drain() {
  if (!watch_) return false;
  session_.ask_to_drain(settings_.drain_message);
  write();
  return true;
}

bool NodeLink::tell(std::string_view text) {
  if (!watch_) return false;
  session_.tell(text);
  write();
  return true;
}

void NodeLink::close() {
  watch_.reset();
  to_send_.clear();
}

}  // namespace liveswap::master
