// Who may do what on the control socket: users and groups of the configuration, resolved once when the master
// starts.
//
// Owned by ControlServer. root and the master's own user are always admins. A peer has the highest level that
// one of its ids is listed for; the kernel vouches for the ids (SO_PEERCRED, SO_PEERGROUPS), as they were
// when it connected.
#pragma once

#include <sys/types.h>

#include <expected>
#include <set>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "os/socket.hpp"
#include "wire/control.hpp"

namespace liveswap::master {

class AccessRules {
 public:
  // Names or numbers; a name that the system does not know is an error that names it and its level.
  [[nodiscard]] static std::expected<AccessRules, std::string> resolve(const core::ControlPlan& plan,
                                                                       uid_t own_uid);

  [[nodiscard]] wire::control::Level level_of(const os::PeerCredentials& peer) const;

  // Somebody but root and the master's user is listed.
  [[nodiscard]] bool has_others() const;

  // Whether all who are listed can reach a socket below `folder`, as far as the modes of the folders say;
  // else which folder keeps whom out.
  [[nodiscard]] std::expected<void, std::string> check_reachable(const std::string& folder) const;

 private:
  struct User {
    uid_t uid = 0;
    std::string name;           // as configured, for messages
    std::vector<gid_t> groups;  // all that the user is in; empty for a number without an entry
  };
  struct Group {
    gid_t gid = 0;
    std::string name;
  };
  struct Listed {
    std::vector<User> users;
    std::vector<Group> groups;
  };

  static std::expected<Listed, std::string> resolve(const core::Access& access, wire::control::Level level);
  [[nodiscard]] bool holds(const Listed& listed, const os::PeerCredentials& peer) const;

  uid_t own_uid_ = 0;
  Listed observers_, operators_, admins_;
};

}  // namespace liveswap::master
