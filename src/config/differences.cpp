#include "config/differences.hpp"

#include <algorithm>

namespace liveswap::config {

namespace {

template <class Named>
const Named* find(const std::vector<Named>& list, const std::string& name) {
  auto found =
      std::find_if(list.begin(), list.end(), [&name](const Named& item) { return item.name == name; });
  return found == list.end() ? nullptr : &*found;
}

// Names of what is new, gone or changed: those of `file` first.
template <class Named>
std::vector<std::string> changed(const std::vector<Named>& running, const std::vector<Named>& file) {
  std::vector<std::string> names;
  for (const auto& item : file) {
    auto known = find(running, item.name);
    if (!known || *known != item) names.push_back(item.name);
  }
  for (const auto& item : running) {
    if (!find(file, item.name)) names.push_back(item.name);
  }
  return names;
}

}  // namespace

Differences compare(const core::MasterPlan& running, const core::MasterPlan& file,
                    const std::vector<std::string>& upgraded) {
  Differences out;
  if (running.name != file.name) out.fixed.emplace_back("name");
  if (running.control != file.control) out.fixed.emplace_back("control");
  if (running.serve != file.serve) out.fixed.emplace_back("serve");
  for (const auto& name : changed(running.listeners, file.listeners))
    out.fixed.push_back("listeners." + name);

  auto left_alone = [&out](bool differs, const char* key) {
    if (differs) out.left_alone.emplace_back(key);
  };
  left_alone(running.runtime_dir != file.runtime_dir, "runtime_dir");
  left_alone(running.state_dir != file.state_dir || running.no_state != file.no_state, "state_dir");
  left_alone(running.log_level != file.log_level || running.log_format != file.log_format, "log");
  left_alone(running.shutdown != file.shutdown, "shutdown");
  left_alone(running.on_start_failure != file.on_start_failure, "start");
  for (const auto& name : changed(running.apps, file.apps)) {
    bool taken = std::find(upgraded.begin(), upgraded.end(), name) != upgraded.end();
    if (!taken) out.left_alone.push_back("apps." + name);
  }
  return out;
}

}  // namespace liveswap::config
