// What a Node.js cluster worker and its primary say to each other on NODE_CHANNEL_FD: one JSON value a line
// (NODE_CHANNEL_SERIALIZATION_MODE=json). Node's own, and undocumented; read in lib/internal/cluster and
// lib/internal/child_process.js, and pinned by tests/apps/test_node_frames.py against the Node that runs there.
//
//   worker                                                primary
//   {"cmd":"NODE_CLUSTER","act":"online"}
//   {… "act":"queryServer","port":80,"seq":1}     ──▶
//                                                 ◀──     {"cmd":"NODE_HANDLE","type":"net.Native","msg":{…"ack":1}}
//   {"cmd":"NODE_HANDLE_ACK"}                     ──▶       with the listener by SCM_RIGHTS on its first byte
//   {… "act":"listening"}                         ──▶
//                                                 ◀──     {… "act":"disconnect"}
//   {… "act":"close","key":"…"}                   ──▶
//
// Everything that is not an object with a "cmd" that begins with NODE_ is the program's own message. Pure: lines in,
// values out, and back; lines have no line break here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace liveswap::wire::node {

inline constexpr std::size_t kLineMax = std::size_t{1} << 20;  // bytes; a longer one is a program's own, and not for us
inline constexpr std::size_t kAddressMax = 255;             // bytes; paths have 108, and hosts fewer
inline constexpr std::size_t kDataMax = 4096;                  // bytes of a server's data; TLS ticket keys take 140

enum class AddressKind { tcp, pipe, udp4, udp6, descriptor };

// A server that the worker wants: "queryServer". What it will accept on is decided by everything but `seq` and `data`.
struct ServerQuery {
  std::int64_t seq = 0;
  AddressKind kind = AddressKind::tcp;
  std::string address;     // numeric host, or a path; "" for any host
  std::uint16_t port = 0;  // tcp, udp; 0 lets the kernel choose
  int descriptor = -1;     // listen({fd})
  bool v6only = false;
  std::uint32_t index = 0;  // of several servers of one worker on one address
  std::string data;         // JSON that the first worker's server sets for those of all others; "" for none
  bool operator==(const ServerQuery&) const = default;
};

struct Online {
  bool operator==(const Online&) const = default;
};
struct QueryServer {
  ServerQuery query;
  bool operator==(const QueryServer&) const = default;
};
struct Listening {  // `query` as it was asked, but for the port, which is the real one
  ServerQuery query;
  bool operator==(const Listening&) const = default;
};
struct Close {
  std::string key;
  bool operator==(const Close&) const = default;
};
struct ExitedAfterDisconnect {  // it leaves by itself, and waits for an answer
  std::int64_t seq = 0;
  bool operator==(const ExitedAfterDisconnect&) const = default;
};
struct HandleReceived {  // NODE_HANDLE_ACK, or NACK: the descriptor was lost on its way
  bool good = true;
  bool operator==(const HandleReceived&) const = default;
};
struct OwnMessage {  // of the program: process.send('ready'), process.send({cmd: 'ready'})
  std::string text;  // of a JSON string, or of an object's member "cmd"; "" for anything else
  bool is_text = false;
  bool operator==(const OwnMessage&) const = default;
};
struct Other {  // internal, and nothing that a primary must do something about
  bool operator==(const Other&) const = default;
};
struct Malformed {
  std::string_view reason;
  std::optional<std::int64_t> asked{};  // a query's number: its worker waits for an answer
  bool operator==(const Malformed&) const = default;
};

using Message = std::variant<Online, QueryServer, Listening, Close, ExitedAfterDisconnect, HandleReceived, OwnMessage,
                             Other, Malformed>;

[[nodiscard]] Message decode(std::string_view line);

// The name under which both sides speak of a server: the same for the same query of every worker.
[[nodiscard]] std::string key_of(const ServerQuery& query);

// Each with its line break. `seq` counts up over all that a primary sends to one worker.
[[nodiscard]] std::string server_granted(const ServerQuery& query, std::string_view data, std::int64_t seq);
[[nodiscard]] std::string server_refused(const ServerQuery& query, int error, std::int64_t seq);  // an errno
[[nodiscard]] std::string acknowledged(std::int64_t asked, std::int64_t seq);
[[nodiscard]] std::string disconnect(std::int64_t seq);
[[nodiscard]] std::string own_message(std::string_view text);  // a JSON string: process.on('message', (text) => …)

}  // namespace liveswap::wire::node
