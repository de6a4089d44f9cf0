#include "core/choices.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <utility>

namespace liveswap::core {

namespace {

using Words = std::span<const std::string_view>;

template <class Enum>
std::string_view pick(Words words, Enum value) {
  return words[static_cast<std::size_t>(std::to_underlying(value))];
}

}  // namespace

#define LIVESWAP_NAME_ROW(name, ...) std::string_view(#name),

template <>
Words names<Protocol>() {
  static constexpr auto words = std::to_array<std::string_view>({
#define PROTOCOL(id, name, ...) name,
#include "core/protocols.def"
#undef PROTOCOL
  });
  return words;
}

template <>
Words names<InheritAs>() {
  static constexpr auto words = std::to_array({
#define INHERIT_AS LIVESWAP_NAME_ROW
#include "core/inheritances.def"
#undef INHERIT_AS
  });
  return words;
}

template <>
Words names<SocketKind>() {
  static constexpr auto words = std::to_array<std::string_view>({
#define SOCKET_KIND(id, name, scheme) name,
#include "core/socket_kinds.def"
#undef SOCKET_KIND
  });
  return words;
}

template <>
Words names<ReadyWhen>() {
  static constexpr auto words = std::to_array({
#define READY_WHEN LIVESWAP_NAME_ROW
#include "core/choices.def"
  });
  return words;
}

template <>
Words names<Output>() {
  static constexpr auto words = std::to_array({
#define OUTPUT LIVESWAP_NAME_ROW
#include "core/choices.def"
  });
  return words;
}

template <>
Words names<LogLevel>() {
  static constexpr auto words = std::to_array({
#define LOG_LEVEL LIVESWAP_NAME_ROW
#include "core/choices.def"
  });
  return words;
}

template <>
Words names<LogFormat>() {
  static constexpr auto words = std::to_array({
#define LOG_FORMAT LIVESWAP_NAME_ROW
#include "core/choices.def"
  });
  return words;
}

template <>
Words names<IoUring>() {
  static constexpr auto words = std::to_array({
#define IO_URING LIVESWAP_NAME_ROW
#include "core/choices.def"
  });
  return words;
}

template <>
Words names<BindBy>() {
  static constexpr auto words = std::to_array<std::string_view>({
#define BIND_BY(id, name, ...) name,
#include "core/choices.def"
  });
  return words;
}

template <>
Words names<Handoff>() {
  static constexpr auto words = std::to_array({
#define HANDOFF LIVESWAP_NAME_ROW
#include "core/choices.def"
  });
  return words;
}

template <>
Words names<Queues>() {
  static constexpr auto words = std::to_array<std::string_view>({
#define QUEUES(id, name, ...) name,
#include "core/choices.def"
  });
  return words;
}

template <>
Words names<OnStartFailure>() {
  static constexpr auto words = std::to_array({
#define ON_START_FAILURE LIVESWAP_NAME_ROW
#include "core/choices.def"
  });
  return words;
}

#undef LIVESWAP_NAME_ROW

std::string_view name_of(Protocol protocol) { return pick(names<Protocol>(), protocol); }
std::string_view name_of(SocketKind kind) { return pick(names<SocketKind>(), kind); }
std::string_view name_of(LogLevel level) { return pick(names<LogLevel>(), level); }
std::string_view name_of(Handoff handoff) { return pick(names<Handoff>(), handoff); }
std::string_view name_of(BindBy bind_by) { return pick(names<BindBy>(), bind_by); }

std::string_view name_of(InheritAs inherit_as) { return pick(names<InheritAs>(), inherit_as); }

std::optional<int> drain_signal(Protocol protocol) {
  constexpr int message = 0;
  static constexpr auto ways = std::to_array<int>({
#define PROTOCOL(id, name, drains_by, ready, meaning) drains_by,
#include "core/protocols.def"
#undef PROTOCOL
  });
  const int way = ways[static_cast<std::size_t>(std::to_underlying(protocol))];
  return way == message ? std::nullopt : std::optional(way);
}

ReadyWhen default_ready(Protocol protocol) {
  static constexpr auto ways = std::to_array({
#define PROTOCOL(id, name, drains_by, ready, meaning) ReadyWhen::ready,
#include "core/protocols.def"
#undef PROTOCOL
  });
  return ways[static_cast<std::size_t>(std::to_underlying(protocol))];
}

int first_descriptor(InheritAs inherit_as) {
  static constexpr auto numbers = std::to_array<int>({
#define INHERIT_AS(name, first, meaning) first,
#include "core/inheritances.def"
#undef INHERIT_AS
  });
  return numbers[static_cast<std::size_t>(std::to_underlying(inherit_as))];
}

bool hands_descriptors(Protocol protocol) { return protocol != Protocol::node && protocol != Protocol::bind; }

bool is_unix(SocketKind kind) { return kind != SocketKind::tcp && kind != SocketKind::udp; }

bool is_datagram(SocketKind kind) { return kind == SocketKind::udp || kind == SocketKind::unix_dgram; }

bool is_stream(SocketKind kind) { return kind == SocketKind::tcp || kind == SocketKind::unix_stream; }

}  // namespace liveswap::core
