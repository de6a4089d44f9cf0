#include "wire/guard_messages.hpp"

#include <optional>

#include "wire/little_endian.hpp"

namespace liveswap::wire::guard {
namespace {

enum class Riders : std::uint8_t { none, one, by_kind };

struct Row {
  End to;
  Riders riders;
};

constexpr std::optional<Row> row(std::uint16_t type) {
  switch (type) {
#define GUARD_MESSAGE(type, number, to, descriptors, fields, doc) \
  case number:                                                    \
    return Row{End::to, Riders::descriptors};
#include "wire/guard_messages.def"
#undef GUARD_MESSAGE
    default: return std::nullopt;
  }
}

// fields(message, visit): calls visit for each field, in the order on the wire.
#define KEY(name) visit(message.name);
#define U32(name) visit(message.name);
#define U64(name) visit(message.name);
#define I32(name) visit(message.name);
#define FLAG(name) visit(message.name);
#define KIND(Enum, name) visit(message.name);
#define TEXT(name) visit(message.name);
#define GUARD_MESSAGE(type, number, to, descriptors, members, doc)                             \
  template <class Visit>                                                                       \
  constexpr void fields([[maybe_unused]] type& message, [[maybe_unused]] Visit& visit) {       \
    members                                                                                    \
  }                                                                                            \
  template <class Visit>                                                                       \
  constexpr void fields([[maybe_unused]] const type& message, [[maybe_unused]] Visit& visit) { \
    members                                                                                    \
  }
#include "wire/guard_messages.def"
#undef GUARD_MESSAGE
#undef KEY
#undef U32
#undef U64
#undef I32
#undef FLAG
#undef KIND
#undef TEXT

template <class T>
concept U32Enum = std::is_enum_v<T> && std::is_same_v<std::underlying_type_t<T>, std::uint32_t>;

class FieldSizes {
 public:
  constexpr void operator()(const Key&) { size += 16; }
  constexpr void operator()(std::uint64_t) { size += 8; }
  constexpr void operator()(std::uint32_t) { size += 4; }
  constexpr void operator()(std::int32_t) { size += 4; }
  constexpr void operator()(bool) { size += 4; }
  constexpr void operator()(U32Enum auto) { size += 4; }
  constexpr void operator()(std::string_view) { size += 4 + kTextMax; }

  std::size_t size = kHeaderSize;
};

template <class T>
constexpr bool fits_a_packet() {
  FieldSizes sizes;
  const T message{};
  fields(message, sizes);
  return sizes.size <= kPacketSize;
}
#define GUARD_MESSAGE(type, number, to, descriptors, members, doc) static_assert(fits_a_packet<type>());
#include "wire/guard_messages.def"
#undef GUARD_MESSAGE

// That all fields fit is known when this is compiled.
class FieldReader {
 public:
  explicit FieldReader(const std::byte* at) : at_(at) {}

  void operator()(Key& key) {
    (*this)(key.role);
    (*this)(key.index);
    (*this)(key.owner);
  }
  void operator()(std::uint64_t& value) { value = next<std::uint64_t>(); }
  void operator()(std::uint32_t& value) { value = next<std::uint32_t>(); }
  void operator()(std::int32_t& value) { value = static_cast<std::int32_t>(next<std::uint32_t>()); }
  void operator()(bool& value) {
    const auto number = next<std::uint32_t>();
    if (number > 1) error_ = "a flag is neither 0 nor 1";
    value = number == 1;
  }
  template <U32Enum T>
  void operator()(T& value) {
    value = static_cast<T>(next<std::uint32_t>());
  }
  void operator()(std::string_view& value);

  [[nodiscard]] std::string_view error() const { return error_; }

 private:
  template <class T>
  T next() {
    const T value = get_le<T>(at_);
    at_ += sizeof(T);
    return value;
  }

  const std::byte* at_;
  std::string_view error_;
};

class FieldWriter {
 public:
  explicit FieldWriter(std::byte* at) : at_(at) {}

  void operator()(const Key& key) {
    (*this)(key.role);
    (*this)(key.index);
    (*this)(key.owner);
  }
  void operator()(std::uint64_t value) { put(value); }
  void operator()(std::uint32_t value) { put(value); }
  void operator()(std::int32_t value) { put(static_cast<std::uint32_t>(value)); }
  void operator()(bool value) { put(std::uint32_t{value}); }
  void operator()(U32Enum auto value) { put(static_cast<std::uint32_t>(value)); }
  void operator()(std::string_view value);

  [[nodiscard]] std::string_view error() const { return error_; }

 private:
  template <class T>
  void put(T value) {
    put_le(at_, value);
    at_ += sizeof(T);
  }

  std::byte* at_;
  std::string_view error_;
};

// What is wrong with a text, which becomes a line of a message to systemd; empty: nothing.
std::string_view fault_of(std::string_view text) {
  if (text.size() > kTextMax) return "a text is too long";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "a text has a control character in it";
  }
  return "";
}

void FieldReader::operator()(std::string_view& value) {
  const std::size_t size = next<std::uint32_t>();
  value = {reinterpret_cast<const char*>(at_), size <= kTextMax ? size : 0};
  at_ += kTextMax;
  const std::string_view fault = size <= kTextMax ? fault_of(value) : "a text is too long";
  if (!fault.empty()) error_ = fault;
}

void FieldWriter::operator()(std::string_view value) {
  if (const std::string_view fault = fault_of(value); !fault.empty()) {
    error_ = fault;
    return;
  }
  put(static_cast<std::uint32_t>(value.size()));
  for (std::size_t i = 0; i < value.size(); ++i) at_[i] = static_cast<std::byte>(value[i]);
  at_ += kTextMax;
}

template <class T>
constexpr std::size_t wanted(const T& message, Riders riders) {
  if constexpr (std::is_same_v<T, Notify>) return descriptors_of(message.kind);
  return riders == Riders::one ? 1 : 0;
}

// What is wrong with that many descriptors on such a message; empty: nothing.
template <class T>
std::string_view misfit(const T& message, Riders riders, std::size_t descriptors) {
  const std::size_t right = wanted(message, riders);
  if (descriptors == right) return "";
  return right == 0 ? "the message has a descriptor, and should have none" : "the message should have one descriptor";
}

template <class T>
std::expected<Message, FormatError> decode_fields(const std::byte* from, std::size_t descriptors, Riders riders) {
  T message{};
  FieldReader reader{from};
  fields(message, reader);
  std::string_view wrong = reader.error();
  if (wrong.empty()) wrong = misfit(message, riders, descriptors);
  if (!wrong.empty()) return std::unexpected(FormatError{wrong});
  return message;
}

template <class T>
std::expected<void, FormatError> encode_fields(const T& message, Type type, Riders riders, std::size_t descriptors,
                                               PacketBytes packet) {
  for (std::byte& byte : packet) byte = {};
  put_le(&packet[0], kVersion);
  put_le(&packet[2], static_cast<std::uint16_t>(type));
  FieldWriter writer{&packet[kHeaderSize]};
  fields(message, writer);
  std::string_view wrong = writer.error();
  if (wrong.empty()) wrong = misfit(message, riders, descriptors);
  if (!wrong.empty()) return std::unexpected(FormatError{wrong});
  return {};
}

}  // namespace

std::string_view name(const Message& message) {
#define GUARD_MESSAGE(type, number, to, descriptors, fields, doc) \
  if (std::holds_alternative<type>(message)) return #type;
#include "wire/guard_messages.def"
#undef GUARD_MESSAGE
  return "unknown";
}

std::string_view name(Role role) {
  switch (role) {
#define GUARD_ROLE(id, number, meaning) \
  case Role::id: return #id;
#include "wire/guard_roles.def"
#undef GUARD_ROLE
  }
  return "unknown";
}

std::size_t descriptors_of(NotifyKind kind) {
  switch (kind) {
#define GUARD_NOTIFY(kind, number, descriptors, meaning) \
  case NotifyKind::kind: return descriptors;
#include "wire/guard_notify_kinds.def"
#undef GUARD_NOTIFY
  }
  return 0;
}

std::expected<Message, FormatError> decode(std::span<const std::byte> packet, std::size_t descriptors, End receiver) {
  const auto refuse = [](std::string_view reason) { return std::unexpected(FormatError{reason}); };
  if (packet.size() != kPacketSize) return refuse("the packet is not of the size that all have");
  if (get_le<std::uint16_t>(&packet[0]) != kVersion) return refuse("the packet is of another version");
  const auto type = get_le<std::uint16_t>(&packet[2]);
  const auto found = row(type);
  if (!found) return Unknown{type};
  if (found->to != receiver) return refuse("the message is not for this end of the channel");
  switch (static_cast<Type>(type)) {
#define GUARD_MESSAGE(type, number, to, count, fields, doc) \
  case Type::type: return decode_fields<type>(&packet[kHeaderSize], descriptors, found->riders);
#include "wire/guard_messages.def"
#undef GUARD_MESSAGE
  }
  return Unknown{type};
}

std::expected<void, FormatError> encode(const Message& message, std::size_t descriptors, PacketBytes packet) {
#define GUARD_MESSAGE(type, number, to, count, fields, doc)                       \
  if (const auto* known = std::get_if<type>(&message)) {                          \
    return encode_fields(*known, Type::type, Riders::count, descriptors, packet); \
  }
#include "wire/guard_messages.def"
#undef GUARD_MESSAGE
  return std::unexpected(FormatError{"a message of unknown type cannot be sent"});
}

}  // namespace liveswap::wire::guard
