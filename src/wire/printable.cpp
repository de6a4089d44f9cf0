#include "wire/printable.hpp"

#include <cstdint>

namespace liveswap::wire {
namespace {

constexpr std::string_view kCutMark = "...";

// The length of the UTF-8 sequence that `text` begins with; 0: none.
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length == 0 || lead > 0xf4 || length > text.size()) return 0;
  std::uint32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return 0;
    code = code << 6 | (next & 0x3fU);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  return surrogate || overlong || code > 0x10ffff ? 0 : length;
}

bool is_control(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead < 0x20 || lead == 0x7f;
  return lead == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;  // U+0080 to U+009F
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpaces{" \t\r\n\v\f\0", 7};
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace

std::string printable_text(std::string_view text, std::size_t max) {
  text = trim(text);
  std::string out;
  std::size_t fits = 0;  // how much of `out` still leaves room for the mark
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    const std::string_view shown = length == 0 || is_control(character) ? "?" : character;
    text.remove_prefix(character.size());
    if (out.size() + shown.size() > max) {
      out.resize(fits);
      return out.append(kCutMark.substr(0, max));
    }
    out += shown;
    if (out.size() + kCutMark.size() <= max) fits = out.size();
  }
  return out;
}

}  // namespace liveswap::wire
