#include "ctl/style.hpp"

#include <algorithm>

#include "config/utf8.hpp"
#include "wire/json.hpp"
#include "wire/printable.hpp"

namespace liveswap::ctl {

namespace {

// A character or an escape code at the start of a text.
struct Piece {
  std::size_t bytes = 1;
  std::size_t width = 1;
  bool code = false;
};

Piece first_piece(std::string_view text) {
  if (text.front() == '\033') {
    const std::size_t end = text.find('m');
    return {end == std::string_view::npos ? text.size() : end + 1, 0, true};
  }
  const auto character = config::first_character(text);
  if (!character) return {};
  return {character->bytes, static_cast<std::size_t>(config::terminal_width(character->code)), false};
}

}  // namespace

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Piece piece = first_piece(text);
    width += piece.width;
    text.remove_prefix(piece.bytes);
  }
  return width;
}

std::string cut_to(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t width = 0;
  bool painted = false;
  while (!text.empty()) {
    const Piece piece = first_piece(text);
    width += piece.width;
    if (width > columns) return painted ? out + "\033[0m" : out;
    painted = painted || piece.code;
    out += text.substr(0, piece.bytes);
    text.remove_prefix(piece.bytes);
  }
  return out;
}

std::string padded(std::string text, std::size_t columns) {
  const std::size_t width = width_of(text);
  if (width < columns) text.append(columns - width, ' ');
  return text;
}

std::string harmless(std::string_view line) {
  std::string spaced;
  for (const char c : line) {
    if (c == '\t') {
      spaced.append(8 - spaced.size() % 8, ' ');
    } else {
      spaced += c;
    }
  }
  const std::size_t indent = std::min(spaced.find_first_not_of(' '), spaced.size());
  return std::string(indent, ' ') + wire::printable_text(spaced, wire::kMaxJsonBytes);
}

}  // namespace liveswap::ctl
