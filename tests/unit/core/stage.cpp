#include "stage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "../../sim/render.hpp"
#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "core/text.hpp"

namespace stage {

const std::string kPlainUpgradeDone = R"(
  reassert listeners of web
  . worker_ready g2/0 r2 w2
  . generation_ready g2 r2 x1
  . generation_draining g1 r1 1m x1
  ask w1 to drain in 1m
  . worker_draining g1/0 r1 w1 1m
  . rollout_done g2 r2 upgrade x1
)";

std::string render(const ActionList& actions) {
  std::string text;
  for (const Action& action : actions) text += sim::render(action) + "\n";
  return text;
}

std::string lines(const std::string& text) {
  std::istringstream in(text);
  std::string kept;
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find_first_not_of(' ');
    if (first != std::string::npos) kept += line.substr(first) + "\n";
  }
  return kept;
}

Stage::Stage(Options options) : now_(Time{} + 1000s) {
  Setup setup;
  setup.apps.push_back({kWeb, "web"});
  if (options.second_app) setup.apps.push_back({kApi, "api"});
  setup.on_start_failure = options.on_start_failure;
  setup.shutdown = options.shutdown;
  core_ = std::make_unique<Core>(std::move(setup));
}

// Each step is another master's, which knows no more than what the one before has saved.
std::string Stage::step(const Event& event) {
  core_ = restored(*core_);
  ActionList actions;
  core_->step(now_, event, actions);
  return render(actions);
}

std::unique_ptr<Core> restored(const Core& core) {
  ArchiveWriter saved;
  core.save(saved);
  ArchiveReader reader(saved.bytes(), kArchiveVersion);
  auto next = Core::restore(reader);
  if (!next) FAIL(next.error());
  CHECK(reader.at_end());
  ArchiveWriter again;
  (*next)->save(again);
  CHECK(std::ranges::equal(saved.bytes(), again.bytes()));
  return std::move(*next);
}

std::string Stage::pass(Duration time) {
  const Time begin = now_;
  const Time end = later(now_, time);
  std::string text;
  while (core_->next_deadline() <= end) {
    now_ = std::max(now_, core_->next_deadline());
    text += "+" + text_of(now_ - begin) + "\n" + step(TimePassed{});
  }
  now_ = end;
  return text;
}

std::string Stage::prepared(std::uint64_t release, const AppPolicy& policy, AppId app, bool same) {
  return step(ReleasePrepared{app, ReleaseId{release}, policy, "v" + std::to_string(release), same});
}

std::string Stage::launch_failed(std::uint64_t worker, Reason reason) {
  return step(LaunchFailed{WorkerId{worker}, reason, "exec ./server: No such file or directory"});
}

std::string Stage::exited(std::uint64_t worker, int code, bool tree_gone) {
  return step(WorkerExited{WorkerId{worker}, {.code = code}, {"last words"}, tree_gone});
}

std::string Stage::killed(std::uint64_t worker, int signo, bool tree_gone) {
  return step(WorkerExited{WorkerId{worker}, {.signaled = true, .code = signo}, {"last words"}, tree_gone});
}

std::string Stage::up(std::uint64_t worker) {
  const std::string first = launched(worker);
  return first + ready(worker);
}

std::string Stage::all_up(std::uint64_t first, std::uint64_t last) {
  std::string text;
  for (std::uint64_t worker = first; worker <= last; ++worker) text += up(worker);
  return text;
}

void Stage::run_web(const AppPolicy& policy) {
  step(Begun{});
  prepared(1, policy);
  all_up(1, policy.workers);
}

std::string Stage::upgrade(const AppPolicy& policy, std::uint64_t release, WaitLevel wait) {
  const std::string asked = step(UpgradeAsked{.request = RequestId{1}, .app = kWeb, .wait = wait});
  return asked + prepared(release, policy);
}

std::string Stage::workers() const {
  std::string text;
  for (const WorkerSnapshot& worker : web().workers) {
    if (worker.worker) text += "w" + std::to_string(worker.worker.value) + " ";
    text += "g" + std::to_string(worker.generation.value) + "/" + std::to_string(worker.slot) + " ";
    text += std::string(name_of(worker.state)) + (worker.gave_up ? " (gave up)" : "") + "\n";
  }
  return text;
}

AppPolicy policy_of(std::uint32_t workers) {
  AppPolicy policy;
  policy.workers = workers;
  return policy;
}

AppPolicy rolling_policy(std::uint32_t workers, std::uint32_t surge, std::uint32_t unavailable) {
  AppPolicy policy = policy_of(workers);
  policy.max_surge = {surge, false};
  policy.max_unavailable = {unavailable, false};
  return policy;
}

}  // namespace stage
