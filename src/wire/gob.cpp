#include "wire/gob.hpp"

#include <cstdint>

namespace liveswap::wire {
namespace {

// Those that Go's own encoder gives to the first two types that it meets, and the one that every decoder knows.
constexpr std::int64_t kListOfTexts = 65;
constexpr std::int64_t kListOfLists = 66;
constexpr std::int64_t kText = 6;

void add_unsigned(std::string& out, std::uint64_t value) {
  if (value <= 0x7f) {
    out += static_cast<char>(value);
    return;
  }
  std::string bytes;
  for (; value != 0; value >>= 8) bytes.insert(bytes.begin(), static_cast<char>(value & 0xff));
  out += static_cast<char>(-static_cast<int>(bytes.size()));
  out += bytes;
}

void add_signed(std::string& out, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value < 0 ? ~value : value);
  add_unsigned(out, bits << 1 | (value < 0 ? 1U : 0U));
}

void add_message(std::string& out, const std::string& message) {
  add_unsigned(out, message.size());
  out += message;
}

// A struct's fields are each preceded by how many further they are than the one before; 0 ends it. CommonType's first,
// the name, is empty and so left out.
std::string slice_type(std::int64_t id, std::int64_t element) {
  std::string type;
  add_signed(type, -id);
  type += "\x02\x01\x02";  // wireType.SliceT, its CommonType, of that the Id
  add_signed(type, id);
  type += std::string("\0\x01", 2);  // CommonType ends; Elem
  add_signed(type, element);
  type += std::string("\0\0", 2);  // SliceT ends, wireType ends
  return type;
}

}  // namespace

std::string gob_of_names(std::span<const std::vector<std::string>> names) {
  std::string value;
  add_signed(value, kListOfLists);
  value += '\0';  // what is no struct has one field, unnamed
  add_unsigned(value, names.size());
  for (const auto& parts : names) {
    add_unsigned(value, parts.size());
    for (const std::string& part : parts) {
      add_unsigned(value, part.size());
      value += part;
    }
  }
  std::string out;
  add_message(out, slice_type(kListOfLists, kListOfTexts));
  add_message(out, slice_type(kListOfTexts, kText));
  add_message(out, value);
  return out;
}

}  // namespace liveswap::wire
