#include "master/hook_run.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "config/paths.hpp"
#include "config/template_check.hpp"
#include "core/text.hpp"
#include "master/worker_plan.hpp"
#include "os/memfd.hpp"
#include "wire/json.hpp"
#include "wire/printable.hpp"

namespace liveswap::master {
namespace {

constexpr std::string_view kTargetLine = "target=";
constexpr std::size_t kPathShownMax = 1024;

std::vector<std::pair<std::string, std::string>> variables_of(const HookJob& job) {
  const core::AppPlan& plan = job.surroundings->plan;
  return {{"LIVESWAP_APP", plan.name},
          {"LIVESWAP_HOOK", "pre_upgrade"},
          {"LIVESWAP_RELEASE", job.serving ? std::to_string(job.serving.value) : ""},
          {"LIVESWAP_TARGET", plan.target.value_or("")},
          {"LIVESWAP_LABEL", job.surroundings->label}};
}

}  // namespace

// `value` is the namesake's word for the target.
std::string hook_request(const HookJob& job) {
  const Release& to = *job.surroundings;
  const auto or_null = [](const std::optional<std::string>& text) {
    return text ? wire::Json(*text) : wire::Json(nullptr);
  };
  return wire::dump_json({{"cmd", "upgrade"},
                          {"app", to.plan.name},
                          {"value", or_null(to.plan.target)},
                          {"release", job.serving ? wire::Json(job.serving.value) : wire::Json(nullptr)},
                          {"target", or_null(to.plan.target)},
                          {"command", to.plan.command},
                          {"label", to.label.empty() ? wire::Json(nullptr) : wire::Json(to.label)}}) +
         "\n";
}

HookRun::HookRun(const HookSetup& setup, HookJob job, Ended ended)
    : setup_(setup), job_(std::move(job)), ended_(std::move(ended)) {}

std::expected<void, std::string> HookRun::start() {
  auto launched = launch();
  if (!launched) return std::unexpected(std::move(launched.error()));
  auto run = CommandRun::open(setup_.loop, setup_.children, std::move(*launched),
                              {.running = [] {},
                               .failed = [this](const std::string& text) { launch_problem_ = text; },
                               .ended = [this](const CommandRun::End& end) { on_ended(end); }});
  if (!run) return std::unexpected(std::move(run.error()));
  run_ = std::move(*run);
  run_->limit(job_.surroundings->plan.hooks.timeout);
  return {};
}

void HookRun::stop() { run_->stop(); }

std::expected<LaunchedProcess, std::string> HookRun::launch() {
  const auto input = os::make_input_memfd("liveswap-hook", hook_request(job_));
  if (!input) return std::unexpected(input.error().message());
  auto prepared = prepare_hook(*job_.surroundings, variables_of(job_), *input);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  if (setup_.descriptor_limit) limit_descriptors(*prepared, *setup_.descriptor_limit);
  const auto out = open_pipe(false, out_);
  if (!out) return std::unexpected(out.error());
  const auto err = open_pipe(true, err_);
  if (!err) return std::unexpected(err.error());
  auto launched = setup_.launcher.start(prepared->plan, prepared->descriptors, {*out, *err});
  if (!launched) return std::unexpected(launched.error().message());
  return std::move(*launched);
}

std::expected<os::OwnedFd, std::string> HookRun::open_pipe(bool is_stderr, std::unique_ptr<OutputPipe>& pipe) {
  auto ends = make_output_pipe(job_.surroundings->worker_uid());
  if (!ends) return std::unexpected(ends.error().message());
  auto opened = OutputPipe::open(setup_.loop, std::move(ends->ours),
                                 {.line = [this, is_stderr](std::string_view line) { take(is_stderr, line); },
                                  .read = [this] { setup_.output.flush(); }});
  if (!opened) return std::unexpected(opened.error().message());
  pipe = std::move(*opened);
  return std::move(ends->theirs);
}

void HookRun::take(bool is_stderr, std::string_view line) {
  if (!is_stderr && line.starts_with(kTargetLine)) {
    target_ = line.substr(kTargetLine.size());
    return;
  }
  tail_.add(is_stderr, line);
  setup_.output.add({.app = job_.surroundings->plan.name, .is_stderr = is_stderr}, line);
}

void HookRun::on_ended(const CommandRun::End& end) {
  out_->finish();
  err_->finish();
  core::HookEnded event{.app = job_.ids.app, .request = job_.ids.request};
  event.text = problem_of(end);
  if (event.text.empty()) {
    auto target = chosen_target();
    event.ok = target.has_value();
    if (target) {
      event.target = std::move(*target);
    } else {
      event.text = std::move(target.error());
    }
  }
  if (!event.ok) event.last_lines = tail_.last_lines();
  const Ended ended = std::move(ended_);
  ended(std::move(event));
}

// Empty: it has passed.
std::string HookRun::problem_of(const CommandRun::End& end) const {
  const core::HooksPlan& hooks = job_.surroundings->plan.hooks;
  const std::string& name = hooks.pre_upgrade.front();
  if (!launch_problem_.empty()) return launch_problem_;
  if (end.timed_out) return fmt::format("{} took longer than {}", name, core::text_of(hooks.timeout));
  return end.succeeded() ? std::string() : fmt::format("{} {}", name, end.status.text());
}

std::expected<std::optional<std::string>, std::string> HookRun::chosen_target() const {
  if (!target_) return std::nullopt;
  const core::AppPlan& plan = job_.surroundings->plan;
  const auto refuse = [&](std::string_view why) {
    return std::unexpected(fmt::format("{} said target={}: {}", plan.hooks.pre_upgrade.front(),
                                       wire::printable_text(*target_, kPathShownMax), why));
  };
  if (!config::uses_target(plan)) {
    return refuse("the app uses no target: neither command, cwd nor env has ${target}");
  }
  if (target_->empty()) return refuse("a path is needed");
  if (target_->contains('\0')) return refuse("a path has no NUL");
  std::string path = config::absolute_path(*target_, job_.surroundings->directory_path);
  struct stat about {};
  if (::stat(path.c_str(), &about) == -1) return refuse(os::errno_text(errno));
  return path;
}

}  // namespace liveswap::master
