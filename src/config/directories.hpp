// Where a master keeps what dies with the boot (runtime directory) and what does not (state directory), and
// where a client looks for the first. Both ends reckon with the same function; nothing here asks the file
// system.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plan.hpp"

namespace liveswap::config {

// What the defaults depend on.
struct Surroundings {
  uid_t uid = 0;                                        // effective
  std::map<std::string, std::string, std::less<>> env;  // RUNTIME_DIRECTORY, STATE_DIRECTORY, XDG_…, HOME
  std::string root;                                     // what stands before /run, /var and /tmp: for tests

  [[nodiscard]] static Surroundings of_this_process();
};

// As configured, else $RUNTIME_DIRECTORY, /run/liveswap/NAME for root, $XDG_RUNTIME_DIR/liveswap/NAME,
// /tmp/liveswap-UID/NAME. Variables that hold no absolute path are passed over.
[[nodiscard]] std::string runtime_dir(const core::MasterPlan& plan, const Surroundings& surroundings);

// As configured, else $STATE_DIRECTORY, /var/lib/liveswap/NAME for root, $XDG_STATE_HOME/liveswap/NAME,
// ~/.local/state/liveswap/NAME. "" where there is none.
[[nodiscard]] std::string state_dir(const core::MasterPlan& plan, const Surroundings& surroundings);

// As configured, else RUNTIME_DIR/control.sock.
[[nodiscard]] std::string control_socket(const core::MasterPlan& plan, const Surroundings& surroundings);

// Every folder in which a master's runtime directory may be, by default: a folder of one master for each, and
// one that is itself a runtime directory ($RUNTIME_DIRECTORY).
struct RuntimeFolders {
  std::optional<std::string> own;    // $RUNTIME_DIRECTORY
  std::vector<std::string> parents;  // NAME is below these, the likeliest first
};
[[nodiscard]] RuntimeFolders runtime_folders(const Surroundings& surroundings);

// The control sockets that the master called `name` may have, the likeliest first.
[[nodiscard]] std::vector<std::string> control_sockets_of(std::string_view name,
                                                          const Surroundings& surroundings);

inline constexpr std::string_view kControlSocketName = "control.sock";

}  // namespace liveswap::config
