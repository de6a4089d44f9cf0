#include "config/directories.hpp"

#include <unistd.h>

#include <cstdlib>

namespace liveswap::config {

namespace {

std::string below(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

// systemd lists several directories with colons between; the first is the main one.
std::optional<std::string> folder_in(const Surroundings& surroundings, std::string_view variable) {
  const auto found = surroundings.env.find(variable);
  if (found == surroundings.env.end() || !found->second.starts_with('/')) return std::nullopt;
  return found->second.substr(0, found->second.find(':'));
}

std::string tmp_parent(const Surroundings& surroundings) {
  return surroundings.root + "/tmp/liveswap-" + std::to_string(surroundings.uid);
}

// Where a master of ours puts NAME.
std::string runtime_parent(const Surroundings& surroundings) {
  if (surroundings.uid == 0) return surroundings.root + "/run/liveswap";
  if (const auto xdg = folder_in(surroundings, "XDG_RUNTIME_DIR")) return below(*xdg, "liveswap");
  return tmp_parent(surroundings);
}

}  // namespace

Surroundings Surroundings::of_this_process() {
  Surroundings surroundings;
  surroundings.uid = ::geteuid();
  for (const char* name :
       {"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME"}) {
    if (const char* value = std::getenv(name)) surroundings.env.emplace(name, value);
  }
  return surroundings;
}

std::string runtime_dir(const core::MasterPlan& plan, const Surroundings& surroundings) {
  if (plan.runtime_dir) return *plan.runtime_dir;
  if (const auto given = folder_in(surroundings, "RUNTIME_DIRECTORY")) return *given;
  return below(runtime_parent(surroundings), plan.name);
}

std::string state_dir(const core::MasterPlan& plan, const Surroundings& surroundings) {
  if (plan.no_state) return "";
  if (plan.state_dir) return *plan.state_dir;
  if (const auto given = folder_in(surroundings, "STATE_DIRECTORY")) return *given;
  if (surroundings.uid == 0) return below(surroundings.root + "/var/lib/liveswap", plan.name);
  if (const auto xdg = folder_in(surroundings, "XDG_STATE_HOME")) return below(*xdg, "liveswap/" + plan.name);
  if (const auto home = folder_in(surroundings, "HOME"))
    return below(*home, ".local/state/liveswap/" + plan.name);
  return "";
}

std::string control_socket(const core::MasterPlan& plan, const Surroundings& surroundings) {
  return plan.control.socket ? *plan.control.socket
                             : below(runtime_dir(plan, surroundings), kControlSocketName);
}

RuntimeFolders runtime_folders(const Surroundings& surroundings) {
  RuntimeFolders folders;
  folders.own = folder_in(surroundings, "RUNTIME_DIRECTORY");
  const std::string first = runtime_parent(surroundings);
  folders.parents.push_back(first);
  for (const std::string& other : {surroundings.root + "/run/liveswap", tmp_parent(surroundings)}) {
    if (other != first) folders.parents.push_back(other);
  }
  return folders;
}

std::vector<std::string> control_sockets_of(std::string_view name, const Surroundings& surroundings) {
  const RuntimeFolders folders = runtime_folders(surroundings);
  std::vector<std::string> sockets;
  if (folders.own) sockets.push_back(below(*folders.own, kControlSocketName));
  for (const std::string& parent : folders.parents) {
    sockets.push_back(below(below(parent, name), kControlSocketName));
  }
  return sockets;
}

}  // namespace liveswap::config
