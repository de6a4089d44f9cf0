// The launch plan's parser. Whatever is accepted can be walked whole, and comes out of the encoder as a plan
// that says the same.
#include "wire/launch_plan.hpp"

#include <algorithm>
#include <vector>

#include "require.hpp"

namespace {

using namespace liveswap::wire;

std::vector<std::string> texts(FieldList list) { return {list.begin(), list.end()}; }

LaunchPlan plan_of(const LaunchPlanView& view) {
  LaunchPlan plan;
  plan.program = view.program();
  plan.arguments = texts(view.arguments());
  plan.variables = texts(view.variables());
  plan.pid_variables = texts(view.pid_variables());
  plan.directory = view.directory();
  plan.directory_text = view.directory_text();
  plan.descriptors = view.descriptors();
  for (std::uint32_t i = 0; i < view.placement_count(); ++i) plan.placements.push_back(view.placement(i));
  plan.channel_target = view.channel_target();
  plan.cgroup = view.cgroup();
  for (std::uint32_t i = 0; i < view.limit_count(); ++i) plan.limits.push_back(view.limit(i));
  if (view.has_identity()) {
    plan.identity = Identity{.uid = view.uid(), .gid = view.gid(), .groups = {}};
    for (std::uint32_t i = 0; i < view.group_count(); ++i) plan.identity->groups.push_back(view.group(i));
  }
  plan.umask = view.umask();
  plan.oom_score_adj = view.oom_score_adj();
  plan.new_session = view.new_session();
  plan.filter = view.filter();
  return plan;
}

void check_placements(const LaunchPlan& plan, const LaunchPlanView& view) {
  require(std::ranges::is_sorted(plan.placements, {}, &Placement::target), "targets ascend");
  for (const Placement& placement : plan.placements) {
    require(placement.source < view.descriptors(), "a placement is of a descriptor that is sent");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto view = LaunchPlanView::parse(std::as_bytes(std::span{data, size}));
  if (!view) {
    require(!view.error().reason.empty(), "a refusal has a reason");
    return 0;
  }
  const LaunchPlan plan = plan_of(*view);
  require(plan.arguments.size() == view->argument_count(), "as many arguments as counted");
  require(plan.variables.size() == view->variable_count(), "as many variables as counted");
  require(!plan.arguments.empty() && !plan.program.empty(), "there is something to execute");
  check_placements(plan, *view);

  const auto bytes = encode(plan);
  require(bytes.has_value(), "what was accepted can be encoded");
  const auto again = LaunchPlanView::parse(*bytes);
  require(again.has_value(), "what is encoded is accepted");
  LaunchPlan expected = plan;
  // The encoder leaves variables out that the launcher will write.
  std::erase_if(expected.variables, [&](const std::string& variable) {
    return std::ranges::find(plan.pid_variables, variable.substr(0, variable.find('='))) !=
           plan.pid_variables.end();
  });
  require(plan_of(*again) == expected, "what is encoded says the same");
  return 0;
}
