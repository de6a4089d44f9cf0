// The text of one configuration file, and where in it something stands.
//
// Everything below the reader knows places as byte offsets into this text; lines and columns are made from
// them only when a person is told. Immutable once made.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace liveswap::config {

// Counted from 1, as editors count; columns count characters, not bytes. Line 0: no place in the text.
struct Position {
  int line = 0;
  int column = 0;
  bool operator==(const Position&) const = default;
};

class Source {
 public:
  // `name` is what messages call the file: as the operator wrote it.
  Source(std::string name, std::string text);

  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }

  Position position(std::size_t offset) const;
  // The line that holds `offset`, without its line end.
  std::string_view line_at(std::size_t offset) const;

 private:
  std::size_t line_index(std::size_t offset) const;

  std::string name_;
  std::string text_;
  std::vector<std::size_t> line_starts_;
};

}  // namespace liveswap::config
