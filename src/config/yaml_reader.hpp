// YAML text to a tree of nodes. The only file that knows yaml-cpp is yaml_reader.cpp; what its parser accepts
// too gladly (duplicate keys, unclosed quotes, documents that nobody asked for, bombs of aliases) is refused
// here.
#pragma once

#include <cstddef>
#include <optional>

#include "config/diagnostic.hpp"
#include "config/node.hpp"
#include "config/source.hpp"

namespace liveswap::config {

inline constexpr std::size_t kFileBytesMax = 1 << 20;  // a thousand times a large configuration
inline constexpr std::size_t kDepthMax = 64;           // the deepest key is five levels down
inline constexpr std::size_t kNodesMax = 100'000;  // after aliases: a bomb of aliases grows from a few lines
inline constexpr std::size_t kTextBytesMax = 4 << 20;  // the same for what scalars hold

// The document's root. An error of syntax ends the reading: then nothing is returned and `findings` says why.
// Duplicate and merge keys are told in `findings` and left out of the tree.
std::optional<Node> read_yaml(const Source& source, Findings& findings);

}  // namespace liveswap::config
