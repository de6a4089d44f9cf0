// How a target that is run itself is run: executed as it is, or by an interpreter. And, where nothing else chooses it,
// by which protocol its workers are handed their sockets.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/facts.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

inline constexpr std::size_t kHeadMax = 256;  // of a `#!` line, as the kernel has it (BINPRM_BUF_SIZE)

struct TargetKind {
  std::vector<std::string> interpreter;  // the words before the target; none: it is executed itself
  bool is_node = false;                  // Node.js runs it, or a `#!` line that it is executed by does
  // Without listeners of its own a program is taken to bind its ports by itself.
  [[nodiscard]] core::Protocol protocol(bool has_listeners) const {
    if (is_node) return core::Protocol::node;
    return has_listeners ? core::Protocol::systemd : core::Protocol::bind;
  }
};

// `head`: the first kHeadMax bytes of the file. An executable file is executed; but one that the kernel could not
// execute, a script without `#!` line, goes by its ending, as does what is not executable. None: nothing says how.
std::optional<TargetKind> kind_of_target(std::string_view path, bool is_executable, std::string_view head);
// Of the file as it is now; one that is not there goes by its ending.
std::optional<TargetKind> kind_of_target(const std::string& path, const Facts& facts);

// Whether a command that begins with it is run by Node.js.
bool is_called_node(std::string_view program);

// Makes the app's protocol the one of the kind, with what it implies; the app's listeners are known already.
void choose_protocol(core::AppPlan& app, const TargetKind& kind);

// Why there is no kind; completes a sentence that begins with the target.
std::string no_kind();

}  // namespace liveswap::config
