// The `listeners:` section: names, addresses, options, and whether all of them can be bound beside each
// other.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "config/decoder.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

struct PlacedListener {
  core::ListenerPlan plan;
  std::size_t offset = 0;                    // of its name
  std::vector<std::size_t> address_offsets;  // of each of plan.addresses
  bool says_shared = false;                  // handoff: shared, in so many words
  bool says_blocking = false;                // nonblock: false, likewise
};

// `node`: null where the section is left out.
std::vector<PlacedListener> decode_listeners(Context& context, const Node* node);

}  // namespace liveswap::config
