// What a configuration file chooses by a word, and the kinds of sockets: enums made by the .def tables, with their
// names.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace liveswap::core {

#define LIVESWAP_ENUM_ROW(name, ...) name,

enum class Protocol {
#define PROTOCOL LIVESWAP_ENUM_ROW
#include "core/protocols.def"
#undef PROTOCOL
};

enum class InheritAs {
#define INHERIT_AS LIVESWAP_ENUM_ROW
#include "core/inheritances.def"
#undef INHERIT_AS
};

enum class SocketKind {
#define SOCKET_KIND LIVESWAP_ENUM_ROW
#include "core/socket_kinds.def"
#undef SOCKET_KIND
};

enum class ReadyWhen {
#define READY_WHEN LIVESWAP_ENUM_ROW
#include "core/choices.def"
};

enum class Output {
#define OUTPUT LIVESWAP_ENUM_ROW
#include "core/choices.def"
};

enum class LogLevel {
#define LOG_LEVEL LIVESWAP_ENUM_ROW
#include "core/choices.def"
};

enum class LogFormat {
#define LOG_FORMAT LIVESWAP_ENUM_ROW
#include "core/choices.def"
};

enum class OnStartFailure {
#define ON_START_FAILURE LIVESWAP_ENUM_ROW
#include "core/choices.def"
};

enum class IoUring {
#define IO_URING LIVESWAP_ENUM_ROW
#include "core/choices.def"
};

enum class BindBy {
#define BIND_BY LIVESWAP_ENUM_ROW
#include "core/choices.def"
};

enum class Handoff {
#define HANDOFF LIVESWAP_ENUM_ROW
#include "core/choices.def"
};

enum class Queues {
#define QUEUES LIVESWAP_ENUM_ROW
#include "core/choices.def"
};

#undef LIVESWAP_ENUM_ROW

// The words for the values of one of the enums above, in its order.
template <class Enum>
std::span<const std::string_view> names();

template <>
std::span<const std::string_view> names<Protocol>();
template <>
std::span<const std::string_view> names<InheritAs>();
template <>
std::span<const std::string_view> names<SocketKind>();
template <>
std::span<const std::string_view> names<ReadyWhen>();
template <>
std::span<const std::string_view> names<Output>();
template <>
std::span<const std::string_view> names<LogLevel>();
template <>
std::span<const std::string_view> names<LogFormat>();
template <>
std::span<const std::string_view> names<OnStartFailure>();
template <>
std::span<const std::string_view> names<IoUring>();
template <>
std::span<const std::string_view> names<BindBy>();
template <>
std::span<const std::string_view> names<Handoff>();
template <>
std::span<const std::string_view> names<Queues>();

std::string_view name_of(Protocol);
std::string_view name_of(InheritAs);
std::string_view name_of(SocketKind);
std::string_view name_of(LogLevel);
std::string_view name_of(Handoff);
std::string_view name_of(BindBy);

std::optional<int> drain_signal(Protocol);  // its default; none: it is asked by a message on the channel
ReadyWhen default_ready(Protocol);
bool hands_descriptors(Protocol);  // its workers get the listeners as descriptors, when they start
int first_descriptor(InheritAs);  // of its listeners
bool is_unix(SocketKind);
bool is_datagram(SocketKind);  // else it has a queue of connections
bool is_stream(SocketKind);    // its connections are streams of bytes

}  // namespace liveswap::core
