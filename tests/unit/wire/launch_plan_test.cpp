// The launch plan: what the master encodes is what the launcher reads, and nothing malformed passes.
#include "wire/launch_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "wire/launch_plan_layout.hpp"
#include "wire/little_endian.hpp"

namespace {

using namespace liveswap::wire;

LaunchPlan small_plan() {
  LaunchPlan plan;
  plan.program = "./server";
  plan.arguments = {"./server", "--fd", "3"};
  plan.variables = {"PATH=/usr/bin", "EMPTY="};
  plan.descriptors = 3;
  plan.placements = {{.source = 0, .target = 3}};
  return plan;
}

std::vector<std::byte> encoded(const LaunchPlan& plan) {
  auto bytes = encode(plan);
  REQUIRE_MESSAGE(bytes.has_value(), bytes.error().reason);
  return *std::move(bytes);
}

std::string_view refusal(const LaunchPlan& plan) {
  const auto bytes = encode(plan);
  return bytes ? "encoded" : bytes.error().reason;
}

std::string_view refusal(std::span<const std::byte> bytes) {
  const auto view = LaunchPlanView::parse(bytes);
  return view ? "parsed" : view.error().reason;
}

// A valid plan with one number of its header replaced.
std::string_view refusal_with(std::size_t offset, std::uint32_t value) {
  auto bytes = encoded(small_plan());
  put_le(&bytes[offset], value);
  return refusal(bytes);
}

std::vector<std::string> texts(FieldList list) { return {list.begin(), list.end()}; }

TEST_CASE("launch plan: all that the master fills in comes out of the view") {
  LaunchPlan plan = small_plan();
  plan.pid_variables = {"LISTEN_PID", "WATCHDOG_PID"};
  plan.directory = 1;
  plan.directory_text = "/srv/x";
  plan.cgroup = 2;
  plan.placements = {{.source = 0, .target = 4}, {.source = 0, .target = 0}, {.source = 2, .target = 3}};
  plan.channel_target = 5;
  plan.limits = {{.resource = 7, .soft = 1024, .hard = kLimitInfinity}};
  plan.identity = Identity{.uid = 33, .gid = 34, .groups = {4, 27}};
  plan.umask = 027;
  plan.oom_score_adj = -5;
  plan.new_session = false;
  plan.filter = Filter{.watch_unlink = true, .deny_io_uring = false};

  const auto bytes = encoded(plan);
  const auto view = LaunchPlanView::parse(bytes);
  REQUIRE(view.has_value());
  CHECK(view->program() == "./server");
  CHECK(texts(view->arguments()) == std::vector<std::string>{"./server", "--fd", "3"});
  CHECK(texts(view->variables()) == std::vector<std::string>{"PATH=/usr/bin", "EMPTY="});
  CHECK(texts(view->pid_variables()) == std::vector<std::string>{"LISTEN_PID", "WATCHDOG_PID"});
  CHECK(view->directory() == 1);
  CHECK(view->directory_text() == "/srv/x");
  CHECK(view->cgroup() == 2);
  CHECK(view->descriptors() == 3);
  REQUIRE(view->placement_count() == 3);
  CHECK(view->placement(0) == Placement{.source = 0, .target = 0});
  CHECK(view->placement(1) == Placement{.source = 2, .target = 3});
  CHECK(view->placement(2) == Placement{.source = 0, .target = 4});
  CHECK(view->channel_target() == 5);
  REQUIRE(view->limit_count() == 1);
  CHECK(view->limit(0) == ResourceLimit{.resource = 7, .soft = 1024, .hard = kLimitInfinity});
  CHECK(view->has_identity());
  CHECK(view->uid() == 33);
  CHECK(view->gid() == 34);
  REQUIRE(view->group_count() == 2);
  CHECK(view->group(0) == 4);
  CHECK(view->group(1) == 27);
  CHECK(view->umask() == 027);
  CHECK(view->oom_score_adj() == -5);
  CHECK_FALSE(view->new_session());
  CHECK(view->filter() == Filter{.watch_unlink = true, .deny_io_uring = false});
}

TEST_CASE("launch plan: what is not said is absent, and a new session is the default") {
  const auto bytes = encoded(small_plan());
  const auto view = LaunchPlanView::parse(bytes);
  REQUIRE(view.has_value());
  CHECK(view->directory() == std::nullopt);
  CHECK(view->cgroup() == std::nullopt);
  CHECK(view->channel_target() == std::nullopt);
  CHECK(view->umask() == std::nullopt);
  CHECK(view->oom_score_adj() == std::nullopt);
  CHECK_FALSE(view->has_identity());
  CHECK(view->new_session());
  CHECK(view->filter() == std::nullopt);
  CHECK(view->pid_variables().size() == 0);
}

TEST_CASE("launch plan: a filter does what is asked of it, and nothing without one") {
  for (const Filter filter :
       {Filter{}, Filter{.deny_io_uring = true}, Filter{.watch_unlink = true, .deny_io_uring = true}}) {
    LaunchPlan plan = small_plan();
    plan.filter = filter;
    const auto bytes = encoded(plan);
    CHECK(LaunchPlanView::parse(bytes)->filter() == filter);
  }
  CHECK(refusal_with(plan_layout::kFlagsAt, plan_layout::kWatchUnlink) ==
        "the plan says what a filter does, and has none");
  CHECK(refusal_with(plan_layout::kFlagsAt, plan_layout::kDenyIoUring) ==
        "the plan says what a filter does, and has none");
}

TEST_CASE("launch plan: a variable that the launcher writes is not there twice") {
  LaunchPlan plan = small_plan();
  plan.variables = {"LISTEN_PID=1", "LISTEN_PIDS=2", "A=b"};
  plan.pid_variables = {"LISTEN_PID"};
  const auto bytes = encoded(plan);
  const auto view = LaunchPlanView::parse(bytes);
  REQUIRE(view.has_value());
  CHECK(texts(view->variables()) == std::vector<std::string>{"LISTEN_PIDS=2", "A=b"});
}

TEST_CASE("launch plan: two megabytes of arguments and environment fit, eight do not") {
  LaunchPlan plan = small_plan();
  plan.variables.assign(17, "V=" + std::string(131000, 'x'));
  CHECK(encoded(plan).size() > std::size_t{2} << 20);
  plan.variables.assign(64, "V=" + std::string(131070, 'x'));
  CHECK(refusal(plan) == "the plan is too large");
}

TEST_CASE("launch plan: a plan that cannot be carried out is not encoded") {
  const auto with = [](auto change) {
    LaunchPlan plan = small_plan();
    change(plan);
    return std::string{refusal(plan)};
  };
  CHECK(with([](LaunchPlan& p) { p.program = ""; }) == "the plan has no program");
  CHECK(with([](LaunchPlan& p) { p.arguments.clear(); }) == "the plan has no arguments");
  CHECK(with([](LaunchPlan& p) { p.arguments = {std::string("a\0b", 3)}; }) == "a text has a NUL in it");
  CHECK(with([](LaunchPlan& p) { p.variables = {"NOVALUE"}; }) == "a variable is not of the form NAME=VALUE");
  CHECK(with([](LaunchPlan& p) { p.variables = {"=x"}; }) == "a variable is not of the form NAME=VALUE");
  CHECK(with([](LaunchPlan& p) { p.pid_variables = {"A=b"}; }) ==
        "a variable for the process id has no good name");
  CHECK(with([](LaunchPlan& p) { p.pid_variables = {""}; }) ==
        "a variable for the process id has no good name");
  CHECK(with([](LaunchPlan& p) { p.directory = 3; }) == "the directory is none of the descriptors");
  CHECK(with([](LaunchPlan& p) { p.cgroup = 3; }) == "the cgroup is none of the descriptors");
  CHECK(with([](LaunchPlan& p) { p.channel_target = 2; }) == "the channel's number is out of range");
  CHECK(with([](LaunchPlan& p) { p.channel_target = 65536; }) == "the channel's number is out of range");
  CHECK(with([](LaunchPlan& p) { p.channel_target = 3; }) == "the channel's number is placed twice");
  CHECK(with([](LaunchPlan& p) { p.placements = {{.source = 3, .target = 3}}; }) ==
        "a placement is of none of the descriptors");
  CHECK(with([](LaunchPlan& p) { p.placements = {{.source = 0, .target = 65536}}; }) ==
        "a placement's number is out of range");
  CHECK(with([](LaunchPlan& p) { p.placements.push_back({.source = 1, .target = 3}); }) ==
        "placements are not in order, each number once");
  CHECK(with([](LaunchPlan& p) { p.descriptors = 4097; }) == "the plan has too many descriptors");
  CHECK(with([](LaunchPlan& p) { p.limits = {{.resource = 16}}; }) == "a limit is of no known resource");
  CHECK(with([](LaunchPlan& p) { p.limits = {{.resource = 7, .soft = 2, .hard = 1}}; }) ==
        "a soft limit is above its hard limit");
  CHECK(with([](LaunchPlan& p) { p.limits.resize(17); }) == "the plan has too many limits");
  CHECK(with([](LaunchPlan& p) { p.identity = Identity{.uid = 4294967295U}; }) ==
        "a user or group is out of range");
  CHECK(with([](LaunchPlan& p) { p.identity = Identity{.groups = {4294967295U}}; }) ==
        "a user or group is out of range");
  CHECK(with([](LaunchPlan& p) { p.umask = 01000; }) == "the umask is out of range");
  CHECK(with([](LaunchPlan& p) { p.oom_score_adj = 1001; }) ==
        "the score for running out of memory is out of range");
}

TEST_CASE("launch plan: bytes that are not a whole plan of this version are refused") {
  using namespace plan_layout;
  auto bytes = encoded(small_plan());
  CHECK(refusal(std::span{bytes}.first(79)) == "the plan is shorter than its header");
  CHECK(refusal(std::span{bytes}.first(bytes.size() - 1)) == "the plan is not as long as its header says");
  CHECK(refusal_with(kMagicAt, 1) == "this is no launch plan");
  CHECK(refusal_with(kVersionAt, 1) == "the plan is of another version");
  CHECK(refusal_with(kFlagsAt, 1U << 31) == "the plan has unknown flags");
  CHECK(refusal_with(kPlacementsAt, 4294967295U) == "the plan has too many placements");
  CHECK(refusal_with(kPlacementsAt, 4096) == "the plan's parts are not as long as its header says");
  CHECK(refusal_with(kGroupsAt, 65537) == "the plan has too many groups");
  CHECK(refusal_with(kGroupsAt, 1) == "the plan's parts are not as long as its header says");
  CHECK(refusal_with(kTextSizeAt, 4294967295U) == "the plan's parts are not as long as its header says");
  CHECK(refusal_with(kVariablesAt, 4294967295U) == "the plan's texts are not as many as its header says");
  CHECK(refusal_with(kArgumentsAt, 4) == "the plan's texts are not as many as its header says");
  bytes.back() = std::byte{'x'};
  CHECK(refusal(bytes) == "the plan's texts are not as many as its header says");
}

TEST_CASE("launch plan: groups without a user are refused") {
  LaunchPlan plan = small_plan();
  plan.identity = Identity{.uid = 1, .gid = 1, .groups = {1}};
  auto bytes = encoded(plan);
  put_le(&bytes[plan_layout::kFlagsAt], std::uint32_t{plan_layout::kNewSession});
  CHECK(refusal(bytes) == "the plan has groups, but no user");
}

}  // namespace
