#include "wire/launch_plan.hpp"

#include "wire/launch_plan_layout.hpp"
#include "wire/little_endian.hpp"
#include "wire/slice.hpp"

namespace liveswap::wire {

using namespace plan_layout;

namespace {

// Cuts the first `count` texts off; the caller has counted the NULs.
FieldList take_texts(std::string_view& rest, std::uint32_t count) {
  std::size_t length = 0;
  for (std::uint32_t i = 0; i < count; ++i) length = rest.find('\0', length) + 1;
  const FieldList taken{slice(rest, 0, length)};
  rest.remove_prefix(length);
  return taken;
}

std::string_view take_text(std::string_view& rest) { return *take_texts(rest, 1).begin(); }

constexpr std::uint32_t kNoId = ~std::uint32_t{0};  // (uid_t)-1: "leave as it is" to setresuid
constexpr std::uint32_t kUmaskMax = 0777;
constexpr std::int32_t kOomScoreMax = 1000;

}  // namespace

std::expected<LaunchPlanView, FormatError> LaunchPlanView::parse(std::span<const std::byte> bytes) {
  LaunchPlanView view{bytes};
  std::string_view wrong = view.check_header();
  if (wrong.empty()) wrong = view.check_descriptors();
  if (wrong.empty()) wrong = view.check_limits();
  if (wrong.empty()) wrong = view.check_identity();
  if (wrong.empty()) wrong = view.split_texts();
  if (wrong.empty()) wrong = view.check_variables();
  if (!wrong.empty()) return std::unexpected(FormatError{wrong});
  return view;
}

std::string_view LaunchPlanView::check_header() const {
  if (bytes_.size() < kHeaderSize) return "the plan is shorter than its header";
  if (bytes_.size() > kLaunchPlanMax) return "the plan is too large";
  if (u32(kMagicAt) != kMagic) return "this is no launch plan";
  if (u32(kVersionAt) != kLaunchPlanVersion) return "the plan is of another version";
  if (u32(kSizeAt) != bytes_.size()) return "the plan is not as long as its header says";
  const std::uint32_t flags = u32(kFlagsAt);
  if ((flags & ~std::uint32_t{kAllFlags}) != 0) return "the plan has unknown flags";
  if ((flags & (kWatchUnlink | kDenyIoUring)) != 0 && (flags & kHasFilter) == 0) {
    return "the plan says what a filter does, and has none";
  }
  if (placement_count() > kPlanDescriptorsMax) return "the plan has too many placements";
  if (limit_count() > kPlanLimitsMax) return "the plan has too many limits";
  if (group_count() > kPlanGroupsMax) return "the plan has too many groups";
  const std::uint64_t size =
      std::uint64_t{groups_at()} + std::uint64_t{group_count()} * kGroupSize + u32(kTextSizeAt);
  return size == bytes_.size() ? "" : "the plan's parts are not as long as its header says";
}

std::string_view LaunchPlanView::check_descriptors() const {
  if (descriptors() > kPlanDescriptorsMax) return "the plan has too many descriptors";
  const auto is_sent = [this](std::optional<std::uint32_t> index) {
    return !index || *index < descriptors();
  };
  if (!is_sent(directory())) return "the directory is none of the descriptors";
  if (!is_sent(cgroup())) return "the cgroup is none of the descriptors";
  const auto channel = channel_target();
  if (channel && (*channel < 3 || *channel > kPlanTargetMax)) return "the channel's number is out of range";
  for (std::uint32_t i = 0; i < placement_count(); ++i) {
    const Placement here = placement(i);
    if (here.source >= descriptors()) return "a placement is of none of the descriptors";
    if (here.target > kPlanTargetMax) return "a placement's number is out of range";
    if (i > 0 && here.target <= placement(i - 1).target) {
      return "placements are not in order, each number once";
    }
    if (channel == here.target) return "the channel's number is placed twice";
  }
  return "";
}

std::string_view LaunchPlanView::check_limits() const {
  for (std::uint32_t i = 0; i < limit_count(); ++i) {
    const ResourceLimit here = limit(i);
    if (here.resource >= kPlanLimitsMax) return "a limit is of no known resource";
    if (here.soft > here.hard) return "a soft limit is above its hard limit";
  }
  return "";
}

std::string_view LaunchPlanView::check_identity() const {
  if (!has_identity() && group_count() > 0) return "the plan has groups, but no user";
  if (has_identity() && (uid() == kNoId || gid() == kNoId)) return "a user or group is out of range";
  for (std::uint32_t i = 0; i < group_count(); ++i) {
    if (group(i) == kNoId) return "a user or group is out of range";
  }
  if (umask().value_or(0) > kUmaskMax) return "the umask is out of range";
  const std::int32_t score = oom_score_adj().value_or(0);
  if (score < -kOomScoreMax || score > kOomScoreMax) {
    return "the score for running out of memory is out of range";
  }
  return "";
}

std::string_view LaunchPlanView::split_texts() {
  const std::size_t at = groups_at() + std::size_t{group_count()} * kGroupSize;
  std::string_view rest{reinterpret_cast<const char*>(bytes_.data()) + at, bytes_.size() - at};
  const std::uint64_t wanted =
      std::uint64_t{2} + argument_count() + std::uint64_t{variable_count()} + pid_variable_count();
  if (!FieldList::well_formed(rest) || FieldList{rest}.size() != wanted) {
    return "the plan's texts are not as many as its header says";
  }
  program_ = take_text(rest);
  directory_text_ = take_text(rest);
  arguments_ = take_texts(rest, argument_count());
  variables_ = take_texts(rest, variable_count());
  pid_variables_ = take_texts(rest, pid_variable_count());
  if (program_.empty()) return "the plan has no program";
  return argument_count() > 0 ? "" : "the plan has no arguments";
}

std::string_view LaunchPlanView::check_variables() const {
  for (const std::string_view variable : variables_) {
    const std::size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string_view::npos) return "a variable is not of the form NAME=VALUE";
  }
  for (const std::string_view name : pid_variables_) {
    if (name.empty() || name.find('=') != std::string_view::npos) {
      return "a variable for the process id has no good name";
    }
  }
  return "";
}

std::uint32_t LaunchPlanView::u32(std::size_t offset) const { return get_le<std::uint32_t>(&bytes_[offset]); }
bool LaunchPlanView::flag(std::uint32_t bit) const { return (u32(kFlagsAt) & bit) != 0; }

std::uint32_t LaunchPlanView::argument_count() const { return u32(kArgumentsAt); }
std::uint32_t LaunchPlanView::variable_count() const { return u32(kVariablesAt); }
std::uint32_t LaunchPlanView::pid_variable_count() const { return u32(kPidVariablesAt); }
std::uint32_t LaunchPlanView::descriptors() const { return u32(kDescriptorsAt); }
std::uint32_t LaunchPlanView::placement_count() const { return u32(kPlacementsAt); }
std::uint32_t LaunchPlanView::limit_count() const { return u32(kLimitsAt); }
std::uint32_t LaunchPlanView::group_count() const { return u32(kGroupsAt); }
std::uint32_t LaunchPlanView::uid() const { return u32(kUidAt); }
std::uint32_t LaunchPlanView::gid() const { return u32(kGidAt); }
bool LaunchPlanView::has_identity() const { return flag(kHasIdentity); }
bool LaunchPlanView::new_session() const { return flag(kNewSession); }

std::optional<std::uint32_t> LaunchPlanView::directory() const {
  return flag(kHasDirectory) ? std::optional{u32(kDirectoryAt)} : std::nullopt;
}
std::optional<std::uint32_t> LaunchPlanView::cgroup() const {
  return flag(kHasCgroup) ? std::optional{u32(kCgroupAt)} : std::nullopt;
}
std::optional<std::uint32_t> LaunchPlanView::channel_target() const {
  return flag(kHasChannel) ? std::optional{u32(kChannelAt)} : std::nullopt;
}
std::optional<std::uint32_t> LaunchPlanView::umask() const {
  return flag(kHasUmask) ? std::optional{u32(kUmaskAt)} : std::nullopt;
}
std::optional<std::int32_t> LaunchPlanView::oom_score_adj() const {
  return flag(kHasOomScore) ? std::optional{static_cast<std::int32_t>(u32(kOomScoreAt))} : std::nullopt;
}

std::optional<Filter> LaunchPlanView::filter() const {
  if (!flag(kHasFilter)) return std::nullopt;
  return Filter{.watch_unlink = flag(kWatchUnlink), .deny_io_uring = flag(kDenyIoUring)};
}

std::size_t LaunchPlanView::limits_at() const {
  return kHeaderSize + std::size_t{placement_count()} * kPlacementSize;
}
std::size_t LaunchPlanView::groups_at() const {
  return limits_at() + std::size_t{limit_count()} * kLimitSize;
}

Placement LaunchPlanView::placement(std::uint32_t index) const {
  const std::size_t at = kHeaderSize + std::size_t{index} * kPlacementSize;
  return {.source = u32(at), .target = u32(at + 4)};
}

ResourceLimit LaunchPlanView::limit(std::uint32_t index) const {
  const std::size_t at = limits_at() + std::size_t{index} * kLimitSize;
  return {.resource = u32(at),
          .soft = get_le<std::uint64_t>(&bytes_[at + 8]),
          .hard = get_le<std::uint64_t>(&bytes_[at + 16])};
}

std::uint32_t LaunchPlanView::group(std::uint32_t index) const {
  return u32(groups_at() + std::size_t{index} * kGroupSize);
}

}  // namespace liveswap::wire
