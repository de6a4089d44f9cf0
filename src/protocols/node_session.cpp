#include "protocols/node_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace liveswap::protocols {
namespace {

namespace node = wire::node;

constexpr int kHandleTries = 3;             // as Node itself has it
constexpr std::size_t kServersMax = 1024;   // of one worker
constexpr std::size_t kUnsentMax = 4096;  // lines for a worker that reads nothing

bool says_ready(const node::OwnMessage& said) {
  return said.text == "ready" || (said.is_text && said.text == "online");
}

// What `listening` repeats of the query: all but its number and, where the kernel chose it, the port.
bool is_about(const node::ServerQuery& listening, const node::ServerQuery& asked) {
  return listening.kind == asked.kind && listening.address == asked.address && listening.index == asked.index &&
         listening.descriptor == asked.descriptor && (asked.port == 0 || listening.port == asked.port);
}

}  // namespace

NodeHeard NodeSession::receive(std::string_view bytes) {
  NodeHeard heard;
  lines_.feed(bytes, [&](std::optional<std::string_view> line) {
    if (!line) return;  // a program's own message, of a size that nothing internal has
    std::visit([&](const auto& said) { take(heard, said); }, node::decode(*line));
  });
  return heard;
}

void NodeSession::take(NodeHeard&, const node::Online&) {}

void NodeSession::take(NodeHeard& heard, const node::QueryServer& said) {
  if (draining_) return;  // Node's own primary does not answer either
  if (!can_answer(heard)) return;
  if (servers_.size() + unanswered_ >= kServersMax) {
    heard.events.emplace_back(Problem{fmt::format("asks for more than {} servers: refused", kServersMax)});
    ++unanswered_;
    return refuse(said.query, EMFILE);
  }
  ++unanswered_;
  heard.asked.push_back(said.query);
}

void NodeSession::take(NodeHeard&, const node::Listening& said) {
  const auto server = std::ranges::find_if(
      servers_, [&](const Server& known) { return !known.listens && is_about(said.query, known.query); });
  if (server == servers_.end()) return;  // one that binds by itself ({exclusive: true}) asks for nothing, and says it
  server->listens = true;
}

void NodeSession::take(NodeHeard& heard, const node::Close& said) {
  const auto server =
      std::ranges::find_if(servers_, [&](const Server& known) { return node::key_of(known.query) == said.key; });
  if (server == servers_.end()) return;
  servers_.erase(server);
  heard.closed.push_back(said.key);
}

void NodeSession::take(NodeHeard& heard, const node::ExitedAfterDisconnect& said) {
  if (can_answer(heard)) unsent_.push_back({node::acknowledged(said.seq, seq_++), "", 0});
  heard.events.emplace_back(Stopping{});
}

void NodeSession::take(NodeHeard& heard, const node::HandleReceived& said) {
  if (!unacknowledged_) return;
  Line line = *std::exchange(unacknowledged_, std::nullopt);
  if (said.good) return heard.arrived.push_back(std::move(line.key));
  if (++line.tries < kHandleTries) {
    unsent_.push_front(std::move(line));
    return;
  }
  const auto server = std::ranges::find_if(
      servers_, [&](const Server& known) { return node::key_of(known.query) == line.key; });
  if (server == servers_.end()) return;
  heard.events.emplace_back(Problem{"cannot take the descriptor of a server, which was sent three times"});
  heard.closed.push_back(line.key);
  unsent_.push_front({node::server_refused(server->query, EMFILE, seq_++), "", 0});
  servers_.erase(server);
}

void NodeSession::take(NodeHeard&, const node::OwnMessage& said) {
  if (ready_when_ == core::ReadyWhen::message && says_ready(said)) ready_ = true;
}

void NodeSession::take(NodeHeard&, const node::Other&) {}

void NodeSession::take(NodeHeard& heard, const node::Malformed& said) {
  heard.events.emplace_back(Problem{fmt::format("sent what cannot be read on its channel: {}", said.reason)});
  if (!said.asked || !can_answer(heard)) return;
  unsent_.push_back({node::server_refused({.seq = *said.asked}, EINVAL, seq_++), "", 0});
}

// One that asks on and on without taking its answers would fill the memory with them.
bool NodeSession::can_answer(NodeHeard& heard) {
  if (unsent_.size() + unanswered_ < kUnsentMax) return true;
  if (!std::exchange(told_full_, true)) {
    heard.events.emplace_back(
        Problem{fmt::format("asks on, and has left {} answers unread: what is more is not answered", kUnsentMax)});
  }
  return false;
}

void NodeSession::grant(const node::ServerQuery& query, std::string_view data) {
  --unanswered_;
  servers_.push_back({query, false});
  unsent_.push_back({node::server_granted(query, data, seq_++), node::key_of(query), 0});
}

void NodeSession::refuse(const node::ServerQuery& query, int error) {
  --unanswered_;
  unsent_.push_back({node::server_refused(query, error, seq_++), "", 0});
}

bool NodeSession::is_ready() {
  const bool all_listen = !servers_.empty() && unanswered_ == 0 && std::ranges::all_of(servers_, &Server::listens);
  if (ready_when_ == core::ReadyWhen::notify && all_listen) ready_ = true;
  return ready_;
}

void NodeSession::ask_to_drain(const std::string& message) {
  if (std::exchange(draining_, true)) return;
  if (!message.empty()) tell(message);
  unsent_.push_back({node::disconnect(seq_++), "", 0});
}

void NodeSession::tell(std::string_view text) {
  if (unsent_.size() < kUnsentMax) unsent_.push_back({node::own_message(text), "", 0});
}

const NodeSession::Line* NodeSession::outgoing() const {
  return unacknowledged_ || unsent_.empty() ? nullptr : &unsent_.front();
}

void NodeSession::sent() {
  if (!unsent_.front().key.empty()) unacknowledged_ = std::move(unsent_.front());
  unsent_.pop_front();
}

}  // namespace liveswap::protocols
