#include "wire/node_ipc.hpp"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "wire/json.hpp"

namespace liveswap::wire::node {
namespace {

constexpr std::string_view kCluster = "NODE_CLUSTER";
constexpr std::string_view kInternal = "NODE_";
constexpr std::int64_t kTcpIpv6Only = 1;  // UV_TCP_IPV6ONLY, UV_UDP_IPV6ONLY

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A port that a program has from its environment is a text.
std::optional<std::int64_t> number_in(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.empty();
  return whole ? std::optional(number) : std::nullopt;
}

// Node leaves out what is undefined and writes null for what is unknown; both are `fallback`.
std::optional<std::int64_t> number_of(const Json& object, const char* name, std::int64_t fallback) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return fallback;
  if (found->is_number_unsigned()) {
    const auto value = found->get<std::uint64_t>();
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return value <= kMost ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
  }
  if (found->is_string()) return number_in(found->get_ref<const std::string&>());
  return found->is_number_integer() ? std::optional(found->get<std::int64_t>()) : std::nullopt;
}

// -1 is a path's, a number's or an unknown family; "udp4" and "udp6" are datagram sockets.
std::optional<AddressKind> kind_of(const Json& object, std::int64_t descriptor) {
  if (descriptor >= 0) return AddressKind::descriptor;
  const auto type = object.find("addressType");
  if (type == object.end() || type->is_null()) return std::nullopt;
  if (type->is_string()) {
    if (*type == "udp4") return AddressKind::udp4;
    if (*type == "udp6") return AddressKind::udp6;
    return std::nullopt;
  }
  if (!type->is_number_integer()) return std::nullopt;
  const auto family = type->get<std::int64_t>();
  if (family == -1) return AddressKind::pipe;
  return family == 4 || family == 6 ? std::optional(AddressKind::tcp) : std::nullopt;
}

// The reason why it is none, or "".
std::string_view read_query(const Json& object, ServerQuery& query) {
  constexpr std::int64_t kPortMax = std::numeric_limits<std::uint16_t>::max();
  const auto seq = number_of(object, "seq", 0);
  const auto port = number_of(object, "port", -1);
  const auto descriptor = number_of(object, "fd", -1);
  const auto flags = number_of(object, "flags", 0);
  const auto index = number_of(object, "index", 0);
  if (!seq || !port || !descriptor || !flags || !index) return "a number of the query is none";
  if (*descriptor > std::numeric_limits<int>::max() || *index < 0 || *index > std::numeric_limits<int>::max()) {
    return "a number of the query is too large";
  }
  const auto kind = kind_of(object, *descriptor);
  if (!kind) return "the query has no kind of address that is known";
  query.seq = *seq;
  query.kind = *kind;
  query.address = text_of(object, "address");
  if (query.address.size() > kAddressMax) return "the address of the query is too long";
  query.descriptor = static_cast<int>(*descriptor < 0 ? -1 : *descriptor);
  query.index = static_cast<std::uint32_t>(*index);
  query.v6only = (*flags & kTcpIpv6Only) != 0;
  if (query.kind == AddressKind::pipe) return query.address.empty() ? "the query has no path" : "";
  if (query.kind == AddressKind::descriptor) return "";
  if (*port < 0 || *port > kPortMax) return "the query has no port";
  query.port = static_cast<std::uint16_t>(*port);
  return "";
}

void read_data(const Json& object, ServerQuery& query) {
  const auto data = object.find("data");
  if (data == object.end() || data->is_null()) return;
  query.data = dump_json(*data);
  if (query.data.size() > kDataMax) query.data.clear();
}

Message decode_cluster(const Json& object) {
  const std::string act = text_of(object, "act");
  if (act == "online") return Online{};
  if (act == "close") return Close{text_of(object, "key")};
  if (act == "exitedAfterDisconnect") {
    const auto seq = number_of(object, "seq", 0);
    return seq ? Message{ExitedAfterDisconnect{*seq}} : Message{Malformed{"seq is no number"}};
  }
  if (act != "queryServer" && act != "listening") return Other{};
  ServerQuery query;
  if (const std::string_view problem = read_query(object, query); !problem.empty()) {
    return Malformed{problem, act == "queryServer" ? number_of(object, "seq", 0) : std::nullopt};
  }
  if (act == "listening") return Listening{std::move(query)};
  read_data(object, query);
  return QueryServer{std::move(query)};
}

std::string line_of(const Json& value) { return dump_json(value) + "\n"; }

Json cluster_message(std::int64_t seq) {
  return Json{{"cmd", kCluster}, {"seq", seq}};
}

Json answer_to(const ServerQuery& query, int error, std::string_view data, std::int64_t seq) {
  Json message = cluster_message(seq);
  message["errno"] = -error;  // as libuv counts them
  message["key"] = key_of(query);
  message["ack"] = query.seq;
  auto value = data.empty() ? Json() : parse_json(data).value_or(Json());
  message["data"] = std::move(value);
  return message;
}

bool is_datagram(AddressKind kind) { return kind == AddressKind::udp4 || kind == AddressKind::udp6; }

}  // namespace

Message decode(std::string_view line) {
  const auto value = parse_json(line);
  if (!value) return Malformed{value.error().reason};
  if (value->is_string()) return OwnMessage{value->get<std::string>(), true};
  if (!value->is_object()) return OwnMessage{};
  const std::string cmd = text_of(*value, "cmd");
  if (!cmd.starts_with(kInternal)) return OwnMessage{cmd, false};
  if (cmd == kCluster) return decode_cluster(*value);
  if (cmd == "NODE_HANDLE_ACK") return HandleReceived{true};
  if (cmd == "NODE_HANDLE_NACK") return HandleReceived{false};
  return Other{};
}

std::string key_of(const ServerQuery& query) {
  constexpr std::string_view kKinds[] = {"tcp", "pipe", "udp4", "udp6", "fd"};
  std::string key{kKinds[static_cast<std::size_t>(query.kind)]};
  const auto add = [&key](std::string_view part) { (key += ':') += part; };
  add(query.address);
  add(std::to_string(query.kind == AddressKind::descriptor ? query.descriptor : query.port));
  if (query.v6only) add("v6only");
  add(std::to_string(query.index));
  return key;
}

std::string server_granted(const ServerQuery& query, std::string_view data, std::int64_t seq) {
  return line_of({{"cmd", "NODE_HANDLE"},
                  {"type", is_datagram(query.kind) ? "dgram.Native" : "net.Native"},
                  {"msg", answer_to(query, 0, data, seq)}});
}

std::string server_refused(const ServerQuery& query, int error, std::int64_t seq) {
  return line_of(answer_to(query, error, "", seq));
}

std::string acknowledged(std::int64_t asked, std::int64_t seq) {
  Json message = cluster_message(seq);
  message["ack"] = asked;
  return line_of(message);
}

std::string disconnect(std::int64_t seq) {
  Json message = cluster_message(seq);
  message["act"] = "disconnect";
  return line_of(message);
}

std::string own_message(std::string_view text) { return line_of(Json(std::string(text))); }

}  // namespace liveswap::wire::node
