// The plan of `liveswap -s TARGET …` and `liveswap -H HEAD …`: one app, "default", that runs the target itself, without
// a configuration file.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "config/facts.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

struct TargetRequest {
  std::optional<std::string> target;  // -s; none: what the HEAD file names
  std::optional<std::string> head;    // -H
  std::optional<int> workers;  // -f
  std::vector<std::string>
      listeners;  // -l [NAME=]ADDRESS; those of one name, and those without, are one listener
  std::vector<std::string> arguments;  // after --
  std::optional<std::string> name;     // -n
  std::optional<std::string> control;  // --control
  bool overlap = true;                 // false: -z
  std::optional<std::string> pre_upgrade{};  // --pre-upgrade
  std::optional<int> port{};                 // -p
  std::optional<std::string> address{};      // -a
};

inline constexpr std::uint32_t kTargetWorkers = 2;

// All errors at once, each a sentence that begins with its option.
std::expected<core::MasterPlan, std::vector<std::string>> plan_for_target(const TargetRequest& request,
                                                                          const Facts& facts);

}  // namespace liveswap::config
