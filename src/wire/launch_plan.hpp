// Everything that liveswap-launch must do in a new process before it executes the program, as one block of
// bytes that the master seals in a memory file. Master and launcher come from one build, but the master may
// outlive the installed launcher and the other way round in a later step, so the format has a version, and
// another is refused.
//
//   LaunchPlan       what the master fills in; owns its texts
//   encode()         LaunchPlan -> bytes
//   LaunchPlanView   bytes -> values, checked once by parse(); borrows the bytes and allocates nothing,
//   because an
//                    argument list and environment of 2 MiB are executed from where they lie
//
//   header, 80 bytes    see launch_plan.cpp; then, each as long as the header says:
//   placements          u32 source | u32 target, targets ascending
//   limits              u32 resource | u32 zero | u64 soft | u64 hard
//   groups              u32
//   texts               program, directory, arguments, variables, pid variables; each ended by a NUL
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/field_list.hpp"
#include "wire/format_error.hpp"

namespace liveswap::wire {

inline constexpr std::uint16_t kLaunchPlanVersion = 2;
inline constexpr std::size_t kLaunchPlanMax = std::size_t{8} << 20;  // above the kernel's own 6 MiB for exec
inline constexpr std::uint32_t kPlanDescriptorsMax = 4096;           // the launcher's table of them
inline constexpr std::uint32_t kPlanTargetMax = 65535;  // highest number a descriptor can be given
inline constexpr std::uint32_t kPlanLimitsMax = 16;     // RLIM_NLIMITS
inline constexpr std::uint32_t kPlanGroupsMax = 65536;  // NGROUPS_MAX
inline constexpr std::uint64_t kLimitInfinity = ~std::uint64_t{0};  // RLIM64_INFINITY

// The descriptor that was sent as number `source` (from 0, in order of sending) gets the number `target`.
struct Placement {
  std::uint32_t source = 0;
  std::uint32_t target = 0;
  bool operator==(const Placement&) const = default;
};

struct ResourceLimit {
  std::uint32_t resource = 0;  // RLIMIT_NOFILE, …
  std::uint64_t soft = kLimitInfinity;
  std::uint64_t hard = kLimitInfinity;
  bool operator==(const ResourceLimit&) const = default;
};

struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // supplementary
  bool operator==(const Identity&) const = default;
};

// The program's bind and listen wait for the master's answer (seccomp user notification), and so do:
struct Filter {
  bool watch_unlink = false;   // its unlink and rename
  bool deny_io_uring = false;  // nothing: io_uring_setup, which else waits too, fails with EPERM
  bool operator==(const Filter&) const = default;
};

struct LaunchPlan {
  std::string program;  // with a '/': a path, from the directory on; else looked for in PATH of `variables`
  std::vector<std::string> arguments;  // from argv[0] on
  std::vector<std::string> variables;  // NAME=VALUE
  std::vector<std::string>
      pid_variables;  // names whose value is to be the program's own process id (LISTEN_PID);
                      // a variable of the same name in `variables` is left out
  std::optional<std::uint32_t> directory;  // source index of the working directory (O_PATH will do)
  std::string directory_text;              // its path, for messages
  std::uint32_t descriptors = 0;           // how many are sent
  std::vector<Placement> placements;       // in any order; 0, 1 and 2 are the launcher's own where not listed
  std::optional<std::uint32_t> channel_target;  // the number at which the program finds the channel
  std::optional<std::uint32_t> cgroup;          // source index of the cgroup's cgroup.procs, open for writing
  std::vector<ResourceLimit> limits;
  std::optional<Identity> identity;  // none: the master's own
  std::optional<std::uint32_t> umask;
  std::optional<std::int32_t> oom_score_adj;
  bool new_session = true;
  std::optional<Filter> filter;
  bool operator==(const LaunchPlan&) const = default;
};

// Fails where parse() would refuse the result.
[[nodiscard]] std::expected<std::vector<std::byte>, FormatError> encode(const LaunchPlan& plan);

class LaunchPlanView {
 public:
  // Checks all of the bytes; a view that was made needs no further checks.
  [[nodiscard]] static std::expected<LaunchPlanView, FormatError> parse(std::span<const std::byte> bytes);

  [[nodiscard]] std::string_view program() const { return program_; }
  [[nodiscard]] std::string_view directory_text() const { return directory_text_; }
  [[nodiscard]] FieldList arguments() const { return arguments_; }
  [[nodiscard]] FieldList variables() const { return variables_; }
  [[nodiscard]] FieldList pid_variables() const { return pid_variables_; }
  [[nodiscard]] std::uint32_t argument_count() const;
  [[nodiscard]] std::uint32_t variable_count() const;
  [[nodiscard]] std::uint32_t pid_variable_count() const;

  [[nodiscard]] std::uint32_t descriptors() const;
  [[nodiscard]] std::optional<std::uint32_t> directory() const;
  [[nodiscard]] std::optional<std::uint32_t> cgroup() const;
  [[nodiscard]] std::optional<std::uint32_t> channel_target() const;
  [[nodiscard]] std::uint32_t placement_count() const;
  [[nodiscard]] Placement placement(std::uint32_t index) const;  // targets ascend, each is there once
  [[nodiscard]] std::uint32_t limit_count() const;
  [[nodiscard]] ResourceLimit limit(std::uint32_t index) const;

  [[nodiscard]] bool has_identity() const;
  [[nodiscard]] std::uint32_t uid() const;
  [[nodiscard]] std::uint32_t gid() const;
  [[nodiscard]] std::uint32_t group_count() const;
  [[nodiscard]] std::uint32_t group(std::uint32_t index) const;
  [[nodiscard]] std::optional<std::uint32_t> umask() const;
  [[nodiscard]] std::optional<std::int32_t> oom_score_adj() const;
  [[nodiscard]] bool new_session() const;
  [[nodiscard]] std::optional<Filter> filter() const;

 private:
  explicit LaunchPlanView(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint32_t u32(std::size_t offset) const;
  [[nodiscard]] bool flag(std::uint32_t bit) const;
  [[nodiscard]] std::size_t limits_at() const;
  [[nodiscard]] std::size_t groups_at() const;
  [[nodiscard]] std::string_view check_header() const;  // each check: what is wrong, or empty
  [[nodiscard]] std::string_view check_descriptors() const;
  [[nodiscard]] std::string_view check_limits() const;
  [[nodiscard]] std::string_view check_identity() const;
  [[nodiscard]] std::string_view split_texts();
  [[nodiscard]] std::string_view check_variables() const;

  std::span<const std::byte> bytes_;
  std::string_view program_;
  std::string_view directory_text_;
  FieldList arguments_;
  FieldList variables_;
  FieldList pid_variables_;
};

}  // namespace liveswap::wire
