// One worker's conversation under `protocol: node`: what it says turned into events, and what it is to be told, in the
// order and at the pace that Node wants. Pure: bytes in, lines out; the master owns the socket and the descriptors.
//
//   receive(bytes)  ──▶  events for the core, servers that are asked for, servers that are closed
//   grant / refuse  ──▶  its answer
//   outgoing()      ──▶  the next line to write, and whether a server's descriptor goes with its first byte
//
// After a line with a descriptor nothing is sent before the worker has acknowledged it, as Node itself does it: a
// descriptor that did not arrive (the worker may be out of numbers) is sent again.
//
// A worker is ready when it has a server and all that it asked for listen; or, with `ready.when: message`, when it
// says 'ready', 'online' or {cmd: 'ready'}.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/archive.hpp"
#include "core/plan.hpp"
#include "protocols/worker_event.hpp"
#include "wire/line_reader.hpp"
#include "wire/node_ipc.hpp"

namespace liveswap::wire::node {
LIVESWAP_FIELDS(ServerQuery, seq, kind, address, port, descriptor, v6only, index, data)
}  // namespace liveswap::wire::node

template <>
inline constexpr std::optional<liveswap::wire::node::AddressKind>
    liveswap::core::kLastOf<liveswap::wire::node::AddressKind> = liveswap::wire::node::AddressKind::descriptor;

namespace liveswap::protocols {

struct NodeHeard {
  std::vector<WorkerEvent> events;             // without readiness, which answers can bring about, too
  std::vector<wire::node::ServerQuery> asked;  // each to be answered by grant() or refuse()
  std::vector<std::string> closed;             // keys of servers that were granted
  std::vector<std::string> arrived;            // keys of servers whose descriptors the worker has now
};

class NodeSession {
 public:
  struct Line {
    std::string text;
    std::string key;  // of the granted server whose descriptor goes with it; "" for none
    int tries = 0;    // that did not arrive

    template <class Archive>
    void persist(Archive& archive) {
      archive(text, key, tries);
    }
  };

  explicit NodeSession(core::ReadyWhen ready_when) : ready_when_(ready_when) {}

  [[nodiscard]] NodeHeard receive(std::string_view bytes);

  void grant(const wire::node::ServerQuery& query, std::string_view data);
  void refuse(const wire::node::ServerQuery& query, int error);

  // Once it is, it stays so.
  [[nodiscard]] bool is_ready();

  // Asks it to close its servers and leave; `message`: of the program's own, sent before that.
  void ask_to_drain(const std::string& message);
  void tell(std::string_view text);  // a message of an operator

  // The line that is to be written now, if any; then sent() once all of it was.
  [[nodiscard]] const Line* outgoing() const;
  void sent();

  // For the next master; `ready_when` is not in it.
  template <class Archive>
  void persist(Archive& archive) {
    archive(lines_, servers_, unanswered_, unsent_, unacknowledged_, seq_, ready_, draining_, told_full_);
  }

 private:
  void take(NodeHeard& heard, const wire::node::Online&);
  void take(NodeHeard& heard, const wire::node::QueryServer& said);
  void take(NodeHeard& heard, const wire::node::Listening& said);
  void take(NodeHeard& heard, const wire::node::Close& said);
  void take(NodeHeard& heard, const wire::node::ExitedAfterDisconnect& said);
  void take(NodeHeard& heard, const wire::node::HandleReceived& said);
  void take(NodeHeard& heard, const wire::node::OwnMessage& said);
  void take(NodeHeard& heard, const wire::node::Other&);
  void take(NodeHeard& heard, const wire::node::Malformed& said);
  [[nodiscard]] bool can_answer(NodeHeard& heard);

  struct Server {
    wire::node::ServerQuery query;
    bool listens = false;

    template <class Archive>
    void persist(Archive& archive) {
      archive(query, listens);
    }
  };

  core::ReadyWhen ready_when_;
  wire::LineReader lines_{wire::node::kLineMax};
  std::vector<Server> servers_;  // granted and not closed
  std::size_t unanswered_ = 0;   // servers that were asked for
  std::deque<Line> unsent_;
  std::optional<Line> unacknowledged_;
  std::int64_t seq_ = 0;
  bool ready_ = false;
  bool draining_ = false;
  bool told_full_ = false;
};

}  // namespace liveswap::protocols
