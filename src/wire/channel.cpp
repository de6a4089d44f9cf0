#include "wire/channel.hpp"

#include <limits>

#include "wire/decimal.hpp"
#include "wire/little_endian.hpp"

namespace liveswap::wire::channel {
namespace {

enum class Riders : std::uint8_t { none, one, some, named };

struct Row {
  std::string_view name;
  End to;
  Riders riders;
};

constexpr std::optional<Row> row(std::uint16_t type) {
  switch (type) {
#define CHANNEL_MESSAGE(type, NAME, number, from, to, descriptors, fields, doc) \
  case number:                                                                  \
    return Row{#NAME, End::to, Riders::descriptors};
#include "wire/channel_messages.def"
#undef CHANNEL_MESSAGE
    default: return std::nullopt;
  }
}

// fields(message, visit): calls visit for each field, in the order on the wire.
#define TEXT(name) visit(message.name);
#define NUMBER(name) visit(message.name);
#define SMALL(name) visit(message.name);
#define LIMIT(name) visit(message.name);
#define NAMES(name) visit(message.name);
#define CHANNEL_MESSAGE(type, NAME, number, from, to, descriptors, members, doc)     \
  template <class Visit>                                                             \
  void fields([[maybe_unused]] type& message, [[maybe_unused]] Visit& visit) {       \
    members                                                                          \
  }                                                                                  \
  template <class Visit>                                                             \
  void fields([[maybe_unused]] const type& message, [[maybe_unused]] Visit& visit) { \
    members                                                                          \
  }
#include "wire/channel_messages.def"
#undef CHANNEL_MESSAGE
#undef TEXT
#undef NUMBER
#undef SMALL
#undef LIMIT
#undef NAMES

class FieldReader {
 public:
  explicit FieldReader(std::string_view payload) : rest_(payload) {}

  void operator()(std::string_view& value) { value = next(); }
  void operator()(std::uint64_t& value) { value = number(next()); }
  void operator()(int& value) { value = static_cast<int>(number(next(), std::numeric_limits<int>::max())); }
  void operator()(std::optional<std::uint64_t>& value) {
    const std::string_view text = next();
    if (text == "infinity") {
      value.reset();
    } else {
      value = number(text);
    }
  }
  void operator()(FieldList& value) {
    value = FieldList{rest_};
    rest_ = {};
  }

  [[nodiscard]] std::string_view error() const { return error_; }

 private:
  std::string_view next() {
    if (rest_.empty()) {
      error_ = "a field is missing";
      return {};
    }
    const std::string_view field = slice(rest_, 0, rest_.find('\0'));
    rest_.remove_prefix(field.size() + 1);
    return field;
  }

  std::uint64_t number(std::string_view text, std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) {
    const auto value = parse_decimal(text, max);
    if (!value && error_.empty()) error_ = "a field is not a number in range";
    return value.value_or(0);
  }

  std::string_view rest_;  // empty, or ends in NUL
  std::string_view error_;
};

class FieldWriter {
 public:
  explicit FieldWriter(std::span<std::byte> buffer) : buffer_(buffer) {}

  void operator()(std::string_view value) {
    if (value.find('\0') != std::string_view::npos) {
      error_ = "a text has a NUL in it";
      return;
    }
    put(value);
    put(std::string_view{"", 1});
  }
  void operator()(std::uint64_t value) { (*this)(DecimalText{value}.view()); }
  void operator()(int value) {
    if (value < 0) error_ = "a number is negative";
    (*this)(static_cast<std::uint64_t>(value));
  }
  void operator()(const std::optional<std::uint64_t>& value) {
    if (value) {
      (*this)(*value);
    } else {
      (*this)(std::string_view{"infinity"});
    }
  }
  void operator()(const FieldList& value) {
    if (!FieldList::well_formed(value.bytes())) error_ = "a list does not end in NUL";
    put(value.bytes());
  }

  [[nodiscard]] std::string_view error() const { return error_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  void put(std::string_view bytes) {
    if (bytes.size() > kPayloadMax - size_) {
      error_ = "the payload is longer than a packet can carry";
    } else if (bytes.size() > buffer_.size() - size_) {
      error_ = "the buffer is too small";
    } else {
      for (const char c : bytes) buffer_[size_++] = static_cast<std::byte>(c);
    }
  }

  std::span<std::byte> buffer_;
  std::size_t size_ = 0;
  std::string_view error_;
};

template <class T>
constexpr std::size_t names_in(const T& message) {
  if constexpr (requires { message.names; }) return message.names.size();
  return 0;
}

// What is wrong with that many descriptors on such a message; empty: nothing.
std::string_view misfit(Riders riders, std::size_t descriptors, std::size_t names) {
  switch (riders) {
    case Riders::none: return descriptors == 0 ? "" : "the message has descriptors, and should have none";
    case Riders::one: return descriptors == 1 ? "" : "the message should have one descriptor";
    case Riders::some: return descriptors >= 1 ? "" : "the message should have descriptors";
    case Riders::named:
      return descriptors == names ? "" : "the message should have a descriptor for each name";
  }
  return "the message is of no known kind";
}

template <class T>
std::expected<Message, FormatError> decode_fields(std::string_view payload, std::size_t descriptors,
                                                  Riders riders) {
  T message;
  FieldReader reader{payload};
  fields(message, reader);
  if (!reader.error().empty()) return std::unexpected(FormatError{reader.error()});
  const std::string_view wrong = misfit(riders, descriptors, names_in(message));
  if (!wrong.empty()) return std::unexpected(FormatError{wrong});
  return message;
}

template <class T>
std::expected<std::size_t, FormatError> encode_fields(const T& message, Type type, Riders riders,
                                                      std::size_t descriptors, std::span<std::byte> buffer) {
  if (buffer.size() < kHeaderSize) return std::unexpected(FormatError{"the buffer is too small"});
  std::string_view wrong = misfit(riders, descriptors, names_in(message));
  if (descriptors > kDescriptorsMax) wrong = "more descriptors than a packet can carry";
  FieldWriter writer{buffer.subspan(kHeaderSize)};
  fields(message, writer);
  if (wrong.empty()) wrong = writer.error();
  if (!wrong.empty()) return std::unexpected(FormatError{wrong});
  put_le<std::uint8_t>(&buffer[0], kMajor);
  put_le<std::uint8_t>(&buffer[1], kMinor);
  put_le<std::uint16_t>(&buffer[2], static_cast<std::uint16_t>(type));
  put_le<std::uint16_t>(&buffer[4], static_cast<std::uint16_t>(descriptors));
  put_le<std::uint16_t>(&buffer[6], static_cast<std::uint16_t>(writer.size()));
  return kHeaderSize + writer.size();
}

}  // namespace

std::string_view name(Type type) {
  const auto found = row(static_cast<std::uint16_t>(type));
  return found ? found->name : "unknown";
}

std::string_view name(const Message& message) {
#define CHANNEL_MESSAGE(type, NAME, number, from, to, descriptors, fields, doc) \
  if (std::holds_alternative<type>(message)) return #NAME;
#include "wire/channel_messages.def"
#undef CHANNEL_MESSAGE
  return "unknown";
}

std::expected<Message, FormatError> decode(std::span<const std::byte> packet, std::size_t descriptors,
                                           End receiver) {
  const auto refuse = [](std::string_view reason) { return std::unexpected(FormatError{reason}); };
  if (packet.size() < kHeaderSize) return refuse("the packet is shorter than a header");
  if (get_le<std::uint8_t>(&packet[0]) != kMajor) return refuse("the packet is of another major version");
  const auto type = get_le<std::uint16_t>(&packet[2]);
  if (get_le<std::uint16_t>(&packet[4]) != descriptors) {
    return refuse("the packet came with another number of descriptors than its header says");
  }
  if (get_le<std::uint16_t>(&packet[6]) != packet.size() - kHeaderSize) {
    return refuse("the packet is not as long as its header says");
  }
  const std::string_view payload{reinterpret_cast<const char*>(packet.data()) + kHeaderSize,
                                 packet.size() - kHeaderSize};
  if (!FieldList::well_formed(payload)) return refuse("the last field does not end in NUL");
  const auto found = row(type);
  if (!found) return Unknown{type};
  if (found->to != receiver) return refuse("the message is not for this end of the channel");
  switch (static_cast<Type>(type)) {
#define CHANNEL_MESSAGE(type, NAME, number, from, to, count, fields, doc) \
  case Type::type:                                                        \
    return decode_fields<type>(payload, descriptors, found->riders);
#include "wire/channel_messages.def"
#undef CHANNEL_MESSAGE
  }
  return Unknown{type};
}

std::expected<std::size_t, FormatError> encode(const Message& message, std::size_t descriptors,
                                               std::span<std::byte> buffer) {
#define CHANNEL_MESSAGE(type, NAME, number, from, to, count, fields, doc)         \
  if (const auto* known = std::get_if<type>(&message)) {                          \
    return encode_fields(*known, Type::type, Riders::count, descriptors, buffer); \
  }
#include "wire/channel_messages.def"
#undef CHANNEL_MESSAGE
  return std::unexpected(FormatError{"a message of unknown type cannot be sent"});
}

}  // namespace liveswap::wire::channel
