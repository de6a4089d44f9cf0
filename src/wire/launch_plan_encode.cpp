#include <algorithm>

#include "wire/launch_plan.hpp"
#include "wire/launch_plan_layout.hpp"
#include "wire/little_endian.hpp"

namespace liveswap::wire {

using namespace plan_layout;

namespace {

class PlanWriter {
 public:
  PlanWriter() : bytes_(kHeaderSize) {}

  void set(std::size_t offset, std::uint32_t value) { put_le(&bytes_[offset], value); }
  void set_if(std::size_t offset, Flag flag, const std::optional<std::uint32_t>& value) {
    set(offset, value.value_or(0));
    if (value) flags_ |= flag;
  }
  void set_flag(Flag flag, bool on) { flags_ |= on ? flag : 0U; }

  template <std::unsigned_integral T>
  void append(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    put_le(bytes_.data() + bytes_.size() - sizeof(T), value);
  }
  void append_text(std::string_view text) {
    has_nul_ = has_nul_ || text.find('\0') != std::string_view::npos;
    const auto* from = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), from, from + text.size());
    bytes_.push_back(std::byte{0});
  }
  void append_texts(const auto& texts) {
    for (const std::string_view text : texts) append_text(text);
  }
  void reserve(std::size_t size) { bytes_.reserve(size); }

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool has_nul() const { return has_nul_; }
  [[nodiscard]] std::vector<std::byte> finish() && {
    set(kMagicAt, kMagic);
    set(kVersionAt, kLaunchPlanVersion);
    set(kSizeAt, static_cast<std::uint32_t>(bytes_.size()));
    set(kFlagsAt, flags_);
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_;
  std::uint32_t flags_ = 0;
  bool has_nul_ = false;
};

std::uint32_t count(std::size_t size) { return static_cast<std::uint32_t>(size); }

void write_filter(PlanWriter& writer, const LaunchPlan& plan) {
  if (!plan.filter) return;
  writer.set_flag(kHasFilter, true);
  writer.set_flag(kWatchUnlink, plan.filter->watch_unlink);
  writer.set_flag(kDenyIoUring, plan.filter->deny_io_uring);
}

void write_identity(PlanWriter& writer, const LaunchPlan& plan) {
  if (!plan.identity) return;
  writer.set_flag(kHasIdentity, true);
  writer.set(kUidAt, plan.identity->uid);
  writer.set(kGidAt, plan.identity->gid);
  writer.set(kGroupsAt, count(plan.identity->groups.size()));
}

void write_tables(PlanWriter& writer, const LaunchPlan& plan) {
  std::vector<Placement> placements = plan.placements;
  std::ranges::sort(placements, {}, &Placement::target);
  for (const Placement& placement : placements) {
    writer.append(placement.source);
    writer.append(placement.target);
  }
  for (const ResourceLimit& limit : plan.limits) {
    writer.append(limit.resource);
    writer.append(std::uint32_t{0});
    writer.append(limit.soft);
    writer.append(limit.hard);
  }
  if (plan.identity) {
    for (const std::uint32_t group : plan.identity->groups) writer.append(group);
  }
}

// The variables less those that the launcher will write itself; getenv would find only the first of two.
std::vector<std::string_view> without_pid_variables(const LaunchPlan& plan) {
  std::vector<std::string_view> kept;
  kept.reserve(plan.variables.size());
  for (const std::string_view variable : plan.variables) {
    const std::string_view name = variable.substr(0, variable.find('='));
    if (std::ranges::find(plan.pid_variables, name) == plan.pid_variables.end()) kept.push_back(variable);
  }
  return kept;
}

// About as much as the plan will take: one allocation is enough then.
std::size_t size_hint(const LaunchPlan& plan) {
  std::size_t size = kHeaderSize + plan.program.size() + plan.directory_text.size() + 1024;
  for (const auto* texts : {&plan.arguments, &plan.variables}) {
    for (const std::string& text : *texts) size += text.size() + 1;
  }
  return size;
}

void write_texts(PlanWriter& writer, const LaunchPlan& plan) {
  const std::vector<std::string_view> variables = without_pid_variables(plan);
  writer.set(kArgumentsAt, count(plan.arguments.size()));
  writer.set(kVariablesAt, count(variables.size()));
  writer.set(kPidVariablesAt, count(plan.pid_variables.size()));
  const std::size_t start = writer.size();
  writer.append_text(plan.program);
  writer.append_text(plan.directory_text);
  writer.append_texts(plan.arguments);
  writer.append_texts(variables);
  writer.append_texts(plan.pid_variables);
  writer.set(kTextSizeAt, count(writer.size() - start));
}

}  // namespace

std::expected<std::vector<std::byte>, FormatError> encode(const LaunchPlan& plan) {
  PlanWriter writer;
  writer.reserve(size_hint(plan));
  writer.set_flag(kNewSession, plan.new_session);
  writer.set_if(kUmaskAt, kHasUmask, plan.umask);
  writer.set(kOomScoreAt, static_cast<std::uint32_t>(plan.oom_score_adj.value_or(0)));
  writer.set_flag(kHasOomScore, plan.oom_score_adj.has_value());
  writer.set_if(kDirectoryAt, kHasDirectory, plan.directory);
  writer.set_if(kCgroupAt, kHasCgroup, plan.cgroup);
  writer.set_if(kChannelAt, kHasChannel, plan.channel_target);
  writer.set(kDescriptorsAt, plan.descriptors);
  writer.set(kPlacementsAt, count(plan.placements.size()));
  writer.set(kLimitsAt, count(plan.limits.size()));
  write_filter(writer, plan);
  write_identity(writer, plan);
  write_tables(writer, plan);
  write_texts(writer, plan);
  if (writer.has_nul()) return std::unexpected(FormatError{"a text has a NUL in it"});
  std::vector<std::byte> bytes = std::move(writer).finish();
  if (const auto checked = LaunchPlanView::parse(bytes); !checked) return std::unexpected(checked.error());
  return bytes;
}

}  // namespace liveswap::wire
