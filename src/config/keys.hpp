// The table of configuration keys (keys.def): what is a key and what a person meant who wrote something else.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/node.hpp"

namespace liveswap::config {

struct Key {
  std::string_view path;      // "apps.*.ready.timeout"
  std::string_view type;      // for people
  std::string_view fallback;  // its default, for people; "" for maps that only hold other keys
  std::string_view doc;       // half a line
};

std::span<const Key> all_keys();

// The keys directly below `path` ("" is the top level): "timeout", …
std::vector<std::string> keys_below(std::string_view path);

// Tells every key of the document that is not in the table: misspelt, at the wrong level, or unknown.
void check_keys(const Node& root, Findings& findings);

}  // namespace liveswap::config
