// Whether a state that was read can be: everything that the core relies on without looking. A state that passes is one
// that it can go on from, whoever wrote it.
#pragma once

#include <optional>
#include <string>

namespace liveswap::core {

struct Supervisor;

// The first thing that cannot be: "worker 7 is of no generation of its app"; nullopt: nothing.
[[nodiscard]] std::optional<std::string> find_contradiction(const Supervisor& s);

}  // namespace liveswap::core
