// A YAML document as a tree of plain values: what yaml_reader makes and everything else reads.
//
// Aliases are already resolved: a node that an alias repeats keeps the place where it is written. Maps keep
// the file's order; their keys are texts, each only once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace liveswap::config {

enum class NodeKind {
  null,  // nothing, or `~` or `null` as written in `text`
  scalar,
  list,
  map,
};

struct Entry;

struct Node {
  NodeKind kind = NodeKind::null;
  std::size_t offset = 0;      // into the source's text
  std::string text;            // scalar: its value
  bool quoted = false;         // scalar: written in quotes, or as a block (`|`, `>`)
  std::vector<Node> items;     // list
  std::vector<Entry> entries;  // map

  // A value that was written as one word: a scalar, or a null that was not left empty.
  bool is_word() const { return kind == NodeKind::scalar || (kind == NodeKind::null && !text.empty()); }
  const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  std::size_t key_offset = 0;
  Node value;
};

inline const Entry* Node::find(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

}  // namespace liveswap::config
