// liveswap::Master, the public one: a master in somebody else's process. What the host is told is kept for a callback
// of its own, later in the loop, so that it may ask for anything then, and nothing here is re-entered.
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <utility>

#include "config/diagnostic.hpp"
#include "config/load.hpp"
#include "config/target_plan.hpp"
#include "core/tables.hpp"
#include "liveswap/master.hpp"
#include "loop/deferred.hpp"
#include "loop/loop.hpp"
#include "master/app_choice.hpp"
#include "master/composition.hpp"
#include "master/master.hpp"
#include "master/outcome_json.hpp"
#include "master/status_json.hpp"
#include "os/quiet_write.hpp"
#include "os/users.hpp"
#include "wire/json.hpp"

namespace liveswap {

namespace {

using Answered = std::function<void(const MasterOutcome&)>;

constexpr std::chrono::milliseconds kOutputPatience{500};  // with who reads slowly, at the end, on a loop of our own

struct ReadPlan {
  core::MasterPlan plan;
  std::string warnings;  // whole lines
};

std::string without_last_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::optional<std::string> text_or_none(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::expected<ReadPlan, std::string> read_target(const MasterOptions& options, const config::Facts& facts) {
  constexpr unsigned kMostInt = std::numeric_limits<int>::max();
  config::TargetRequest request{.target = text_or_none(options.target),
                                .head = text_or_none(options.head),
                                .workers = {},
                                .listeners = options.listeners,
                                .arguments = options.arguments,
                                .name = text_or_none(options.name),
                                .control = text_or_none(options.control),
                                .overlap = options.overlap,
                                .pre_upgrade = text_or_none(options.pre_upgrade),
                                .port = options.port,
                                .address = text_or_none(options.address)};
  if (options.workers) request.workers = static_cast<int>(std::min(*options.workers, kMostInt));
  auto plan = config::plan_for_target(request, facts);
  if (!plan) return std::unexpected(fmt::format("{}", fmt::join(plan.error(), "\n")));
  return ReadPlan{std::move(*plan), ""};
}

std::expected<ReadPlan, std::string> read_plan(const MasterOptions& options, const config::Facts& facts) {
  const bool by_target = !options.target.empty() || !options.head.empty();
  if (options.file.empty() != by_target) return std::unexpected("either a file or a target or head must be given");
  if (by_target) return read_target(options, facts);
  if (!options.overlap || options.workers || !options.listeners.empty() || !options.arguments.empty() ||
      !options.name.empty() || !options.control.empty() || !options.pre_upgrade.empty() || options.port ||
      !options.address.empty()) {
    return std::unexpected("what a file has keys for belongs to a target alone: workers, listeners, name and the like");
  }
  auto loaded = config::load_file(options.file, facts);
  if (!loaded) return std::unexpected(without_last_newline(config::render(loaded.error())));
  return ReadPlan{std::move(loaded->plan), config::render(loaded->warnings)};
}

MasterOutcome public_outcome(const core::Outcome& outcome) {
  const bool explained = outcome.reason != core::Reason::none;
  return {.ok = outcome.result == core::Result::done || outcome.result == core::Result::unchanged,
          .result = std::string(core::name_of(outcome.result)),
          .reason = explained ? std::string(core::name_of(outcome.reason)) : std::string(),
          .text = master::text_of(outcome),
          .release = outcome.release.value,
          .generation = outcome.generation.value,
          .serving = outcome.serving,
          .wanted = outcome.wanted,
          .last_lines = outcome.last_lines};
}

MasterEvent public_event(const master::Told& told) {
  const core::Note& note = told.note;
  MasterEvent event{.number = told.number,
                    .at = told.at,
                    .kind = core::name_of(note.kind),
                    .app = told.app,
                    .generation = note.generation.value,
                    .release = note.release.value,
                    .slot = note.slot,
                    .pid = told.pid,
                    .reason = {},
                    .text = told.text};
  if (note.reason != core::Reason::none) event.reason = core::name_of(note.reason);
  return event;
}

std::expected<master::ReleaseOverrides, std::string> overrides_of(MasterUpgrade&& what) {
  if (!what.command.empty() && what.command.front().empty()) return std::unexpected("the command's program is empty");
  for (const auto& [name, value] : what.env) {
    if (name.empty() || name.contains('=')) return std::unexpected("\"" + name + "\" is no variable's name");
  }
  master::ReleaseOverrides overrides{
      .target = {}, .command = std::move(what.command), .env = std::move(what.env), .label = std::move(what.label)};
  if (what.target) {
    std::error_code unknown;  // the current directory is gone: then only an absolute path has a meaning
    overrides.target = std::filesystem::absolute(*what.target, unknown).string();
    if (unknown) return std::unexpected(*what.target + ": " + unknown.message());
  }
  return overrides;
}

}  // namespace

struct Master::Impl {
  Impl(MasterOptions given, std::unique_ptr<loop::Loop> on, bool loop_is_borrowed)
      : options(std::move(given)),
        loop(std::move(on)),
        borrowed(loop_is_borrowed),
        telling(std::make_unique<loop::Deferred>(*loop, [this] { tell_host(); })) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() = default;

  void compose(master::Master::Parts parts);
  void tell_later(std::function<void()> call);
  void warn(const std::string& lines);
  void take_line(const master::LineSource& source, std::string_view line);
  void tell_host();
  void tell_all();
  void finish();
  void release(int with_status);
  void answer(std::uint64_t number, const MasterOutcome& outcome);
  std::expected<void, std::string> upgrade(MasterUpgrade what, Answered answered);

  MasterOptions options;
  std::unique_ptr<loop::Loop> loop;  // gone when a borrowed one is of no more use
  bool borrowed;
  bool in_run = false;
  bool started = false;
  bool has_ended = false;  // but for what the host has not been told
  std::optional<int> status;
  std::string control_socket;
  std::vector<std::function<void()>> to_tell;
  std::map<std::uint64_t, Answered> unanswered;  // by a number that is counted up
  std::uint64_t last_number = 0;
  std::unique_ptr<loop::Deferred> telling;
  std::unique_ptr<master::Master> master;  // the last, so that it goes first, and can still speak
};

void Master::Impl::compose(master::Master::Parts parts) {
  control_socket = parts.instance.control_socket;
  if (options.output) {
    parts.take_line = [this](const master::LineSource& source, std::string_view line) { take_line(source, line); };
  }
  parts.ended = [this] {
    has_ended = true;
    telling->schedule();
  };
  master = std::make_unique<master::Master>(*loop, std::move(parts));
  if (!options.event) return;
  (void)master->follow_events([this](const master::Told& told) {
    tell_later([this, told] { options.event(public_event(told)); });
  });
}

void Master::Impl::tell_later(std::function<void()> call) {
  to_tell.push_back(std::move(call));
  telling->schedule();
}

void Master::Impl::take_line(const master::LineSource& source, std::string_view line) {
  tell_later([this, source, text = std::string(line)] {
    options.output({.text = text,
                    .app = source.app,
                    .slot = source.slot,
                    .generation = source.generation.value,
                    .is_stderr = source.is_stderr});
  });
}

// What the configuration is warned of, before anything runs.
void Master::Impl::warn(const std::string& lines) {
  if (!options.output) {
    (void)os::write_quietly(os::FdRef(STDERR_FILENO), lines);
    return;
  }
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    take_line({.app = "", .is_stderr = true}, std::string_view(lines).substr(at, end - at));
    at = end + 1;
  }
}

void Master::Impl::tell_host() {
  tell_all();
  if (has_ended) finish();  // may destroy this
}

void Master::Impl::tell_all() {
  for (const auto& call : std::exchange(to_tell, {})) call();
}

// The host's last word, after which it may destroy all this.
void Master::Impl::finish() {
  const int with_status = master->exit_status();
  master->finish_output(borrowed ? std::chrono::milliseconds(0) : kOutputPatience);
  master.reset();
  tell_all();
  for (const auto& [number, answered] : std::exchange(unanswered, {})) {
    answered({.result = "failed", .reason = {}, .text = "the master has ended", .last_lines = {}});
  }
  release(with_status);
  if (const auto ended = std::move(options.ended)) ended(with_status);
}

// Nothing of ours is in the host's loop any more, once that has made another turn.
void Master::Impl::release(int with_status) {
  status = with_status;
  master.reset();
  telling.reset();
  if (borrowed && !in_run) loop.reset();
}

void Master::Impl::answer(std::uint64_t number, const MasterOutcome& outcome) {
  const auto found = unanswered.find(number);
  if (found == unanswered.end()) return;
  const Answered answered = std::move(found->second);
  unanswered.erase(found);
  answered(outcome);
}

std::expected<void, std::string> Master::Impl::upgrade(MasterUpgrade what, Answered answered) {
  if (!started || !master || has_ended) return std::unexpected("the master does not run");
  const core::Snapshot snapshot = master->snapshot();
  const auto chosen = master::app_to_change(snapshot, text_or_none(what.app));
  if (!chosen) return std::unexpected(master::text_of(chosen.error()));
  const core::AppId app = chosen->front()->app;
  const bool if_changed = what.if_changed;
  const auto overrides = overrides_of(std::move(what));
  if (!overrides) return std::unexpected(overrides.error());
  auto checked = master->check_upgrade(app, *overrides);
  if (!checked) return std::unexpected(checked.error().text);
  const std::uint64_t number = ++last_number;
  if (answered) unanswered.emplace(number, std::move(answered));
  const core::RequestId request = master->open_request(
      app, {.answered =
                [this, number](const core::Outcome& outcome) {
                  tell_later([this, number, outcome = public_outcome(outcome)] { answer(number, outcome); });
                },
            .noted = {}});
  master->set_upgrade(request, std::move(*checked));
  master->post(core::UpgradeAsked{.request = request, .app = app, .if_changed = if_changed});
  return {};
}

Master::Master(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Master::Master(Master&&) noexcept = default;
Master& Master::operator=(Master&&) noexcept = default;
Master::~Master() = default;

std::expected<Master, std::string> Master::create(MasterOptions options, uv_loop_s* loop) {
  config::Facts facts = config::facts_of_this_machine(os::find_user, os::find_group);
  auto read = read_plan(options, facts);
  if (!read) return std::unexpected(read.error());
  auto parts = master::make_parts(std::move(read->plan), std::move(facts),
                                  {.rights = options.rights, .launcher = options.launcher});
  if (!parts) return std::unexpected(parts.error());
  auto on = loop::Loop::open(loop);
  if (!on) return std::unexpected(on.error().message());
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*on), loop != nullptr);
  impl->compose(std::move(*parts));
  if (!read->warnings.empty()) impl->warn(read->warnings);
  return Master(std::move(impl));
}

std::expected<void, std::string> Master::start() {
  if (impl_->started) return std::unexpected("the master was started before");
  impl_->started = true;
  auto begun = impl_->master->begin();
  if (!begun) impl_->release(1);
  return begun;
}

int Master::run() {
  impl_->in_run = true;
  while (impl_->started && impl_->master) impl_->loop->run_once();
  impl_->in_run = false;
  if (impl_->borrowed && impl_->status) impl_->loop.reset();
  return impl_->status.value_or(1);
}

void Master::stop(bool now) {
  if (impl_->started && impl_->master) impl_->master->post(core::ShutdownAsked{std::nullopt, now});
}

std::expected<void, std::string> Master::upgrade(MasterUpgrade what, Answered answered) {
  return impl_->upgrade(std::move(what), std::move(answered));
}

std::string Master::status_json() {
  if (!impl_->started || !impl_->master) return "";
  impl_->master->reassert_listeners();
  return wire::dump_json(master::status_json(*impl_->master, impl_->master->snapshot(), ""));
}

std::vector<MasterListener> Master::listeners() const {
  std::vector<MasterListener> found;
  if (!impl_->started || !impl_->master) return found;
  for (const master::ListenerRow& row : impl_->master->listeners()) {
    found.push_back({row.name, std::string(core::name_of(row.kind)), row.address, row.port});
  }
  return found;
}

const std::string& Master::control_socket() const { return impl_->control_socket; }

std::optional<int> Master::exit_status() const { return impl_->status; }

}  // namespace liveswap
