#include "config/decode_policy.hpp"

#include <algorithm>
#include <csignal>

#include "config/address.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

// More deaths than that are not counted but endured: `limit` is left out.
constexpr std::uint64_t kBurstMax = 1000;
constexpr std::uint64_t kOnDemandMax = 1024;  // listeners of one app: each is a descriptor of the master

auto number(std::uint64_t min, std::uint64_t max) {
  return [min, max](std::string_view text) { return parse_number(text, min, max); };
}

void decode_workers(Section& section, core::AppPlan& app) {
  auto word = section.word("workers");
  if (!word) return;
  app.workers_auto = word->text == "auto";
  if (app.workers_auto) {
    app.policy.workers = std::clamp(section.context().facts.processors, 1U, kWorkersMax);
  } else if (auto count = parse_number(word->text, 1, kWorkersMax)) {
    app.policy.workers = static_cast<std::uint32_t>(*count);
  } else {
    section.error("workers", count.error() + ", or auto");
  }
}

void decode_ready(Section ready, core::AppPlan& app) {
  app.ready.when = core::default_ready(app.protocol);
  ready.take_choice("when", app.ready.when);
  ready.take_duration("timeout", app.policy.ready_timeout, {.zero = false});
  ready.take_duration("delay", app.ready.delay, {.infinity = false});
  ready.take_duration("interval", app.ready.interval, {.zero = false, .infinity = false});
  bool is_delay = app.ready.when == core::ReadyWhen::delay;
  bool is_command = app.ready.when == core::ReadyWhen::command;
  if (ready.has("delay") && !is_delay) ready.error("delay", "goes with when: delay only");
  if (ready.has("interval") && !is_command) ready.error("interval", "goes with when: command only");
  if (ready.has("command") && !is_command) ready.error("command", "goes with when: command only");
  if (is_command && !ready.has("command")) ready.error("when", "needs a command: beside it");
  if (app.ready.when == core::ReadyWhen::message && app.protocol != core::Protocol::node) {
    ready.error("when", "message goes with protocol: node only: it is what process.send() says");
  }
  if (app.ready.when == core::ReadyWhen::listen && app.protocol != core::Protocol::bind) {
    ready.error("when", "listen goes with protocol: bind only: it is the program's own listen() that is seen");
  }
  if (is_delay && app.ready.delay >= app.policy.ready_timeout) {
    ready.error(ready.has("delay") ? "delay" : "timeout", "the delay is not shorter than the timeout");
  }
}

// The other protocols have a way of their own into the program.
void check_on_message(Section& section, const core::AppPlan& app) {
  const bool has_no_way = app.protocol == core::Protocol::systemd || app.protocol == core::Protocol::bind;
  if (!section.has("on_message") || has_no_way) return;
  section.error("on_message",
                fmt::format("a {} worker gets messages itself, on its channel", core::name_of(app.protocol)));
}

void decode_hooks(Section hooks, core::AppPlan& app) {
  hooks.take_duration("timeout", app.hooks.timeout, {.zero = false, .infinity = false});
  if (hooks.has("timeout") && !hooks.has("pre_upgrade")) hooks.error("timeout", "needs a pre_upgrade: beside it");
}

void take_signal(Section& section, int& target, bool may_kill) {
  section.take("signal", target, parse_signal);
  if (target == SIGSTOP || target == SIGCONT) {
    section.error("signal", "STOP and CONT do not ask a program to end");
  } else if (target == SIGKILL && !may_kill) {
    section.error("signal", "KILL leaves no time to finish; TERM is usual");
  }
}

// What naught and pm2 say to their workers; a program that is written for neither has no use for it.
void take_drain_message(Section& drain, core::AppPlan& app) {
  auto message = drain.word("message");
  if (!message) return;
  if (message->text != "shutdown") drain.error("message", fmt::format("{} is not shutdown", quoted(message->text)));
  if (app.protocol != core::Protocol::node) drain.error("message", "goes with protocol: node only");
  app.drain_message = message->text;
}

std::vector<const core::ListenerPlan*> listeners_of(const core::AppPlan& app,
                                                    const std::vector<core::ListenerPlan>& listeners) {
  std::vector<const core::ListenerPlan*> its;
  const auto names = app.all_listeners();
  for (const auto& listener : listeners) {
    if (std::ranges::find(names, listener.name) != names.end()) its.push_back(&listener);
  }
  return its;
}

// How a worker leaves follows from whether its sockets can be kept from getting anything new.
void decode_leaving(Section& drain, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners) {
  const auto is_steered = [](const core::ListenerPlan* plan) { return plan->handoff == core::Handoff::steered; };
  const auto its = listeners_of(app, listeners);
  if (std::ranges::any_of(its, is_steered)) app.policy.leaving = core::Leaving::asked_when_starved;
  if (app.protocol == core::Protocol::bind) app.policy.leaving = core::Leaving::asked_when_empty;
  auto word = drain.word("signal");
  if (!word || word->text != "none") return;
  app.policy.leaving = core::Leaving::stopped_when_empty;
  if (app.protocol == core::Protocol::bind) return;
  const auto shared = std::ranges::find_if_not(its, is_steered);
  if (shared != its.end()) {
    drain.error("signal", fmt::format("none needs handoff: steered at all of the app's listeners, and {} is shared: a "
                                      "worker that nobody asks to stop accepting would go on",
                                      quoted((*shared)->name)));
  } else if (its.empty()) {
    drain.error("signal", "none needs a listener with handoff: steered");
  }
}

void take_duration_or_off(Section& section, std::string_view key, std::optional<core::Duration>& target) {
  auto word = section.word(key);
  if (!word || word->text == "off") return;
  auto parsed = parse_duration(word->text, {.zero = false, .infinity = false});
  if (parsed) {
    target = *parsed;
  } else {
    section.error(key, parsed.error() + ", or off");
  }
}

void decode_drain(Section drain, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners) {
  const auto signal = core::drain_signal(app.protocol);
  app.policy.drain_by_signal = signal.has_value();
  if (signal) app.policy.drain_signal = *signal;
  decode_leaving(drain, app, listeners);
  if (app.policy.leaving == core::Leaving::stopped_when_empty) {
    app.policy.drain_by_signal = false;
  } else if (drain.has("signal") && !app.policy.drain_by_signal) {
    drain.error("signal", fmt::format("a {} worker is asked by a message on its channel, not by a signal",
                                      core::name_of(app.protocol)));
  }
  if (app.policy.leaving != core::Leaving::stopped_when_empty) take_signal(drain, app.policy.drain_signal, false);
  take_drain_message(drain, app);
  drain.take_duration("timeout", app.policy.drain_timeout);
  take_duration_or_off(drain, "idle", app.policy.drain_idle);
}

void decode_stop(Section stop, core::AppPlan& app) {
  take_signal(stop, app.policy.stop_signal, true);
  stop.take_duration("timeout", app.policy.stop_timeout);
}

void decode_restart(Section restart, core::AppPlan& app) {
  auto& policy = app.policy;
  restart.take_duration("delay", policy.restart_delay, {.infinity = false});
  restart.take_duration("max_delay", policy.restart_max_delay, {.infinity = false});
  restart.take_duration("reset_after", policy.restart_reset_after);
  if (policy.restart_delay > policy.restart_max_delay) {
    restart.error(restart.has("max_delay") ? "max_delay" : "delay", "delay is longer than max_delay");
  }
  if (!restart.has("limit")) return;
  auto limit = restart.section("limit");
  core::RestartLimit value;
  limit.take("burst", value.burst, number(1, kBurstMax));
  limit.take_duration("interval", value.interval, {.zero = false, .infinity = false});
  if (!limit.has("burst") || !limit.has("interval"))
    restart.error("limit", "needs both burst: and interval:");
  policy.restart_limit = value;
}

void decode_upgrade(Section upgrade, core::AppPlan& app) {
  auto& policy = app.policy;
  upgrade.take("max_surge", policy.max_surge, parse_amount);
  upgrade.take("max_unavailable", policy.max_unavailable, parse_amount);
  upgrade.take("max_draining", policy.max_draining, number(1, 1000));
  if (policy.max_surge.value == 0 && policy.max_unavailable.value == 0) {
    upgrade.error("max_surge", "max_surge and max_unavailable are both 0: no worker could ever be replaced");
  }
}

// What workers may open while they run, by protocols that have a way to ask or are seen to do it.
void decode_on_demand(Section& section, core::AppPlan& app) {
  const bool binds = app.protocol == core::Protocol::bind;
  for (const char* key : {"allow_bind", "on_demand_max"}) {
    if (section.has(key) && app.protocol != core::Protocol::node && !binds) {
      section.error(key, "goes with protocol: node or bind only");
    }
  }
  section.take_choice("io_uring", app.io_uring);
  if (section.has("io_uring") && !binds) section.error("io_uring", "goes with protocol: bind only");
  section.take_choice("bind_by", app.bind_by);
  if (section.has("bind_by") && !binds) section.error("bind_by", "goes with protocol: bind only");
  if (app.bind_by == core::BindBy::preload && app.io_uring == core::IoUring::deny) {
    section.error("io_uring", "deny needs seccomp, and so does not go with bind_by: preload");
  }
  section.take("on_demand_max", app.on_demand_max, number(0, kOnDemandMax));
  for (const auto& word : section.words("allow_bind", "an address").value_or(std::vector<PlacedWord>{})) {
    auto addresses = parse_address(word.text, section.context().folder);
    if (addresses) {
      app.allow_bind.insert(app.allow_bind.end(), addresses->begin(), addresses->end());
    } else {
      section.error_at(word.offset, "allow_bind", fmt::format("{}", addresses.error()));
    }
  }
}

}  // namespace

void decode_policy(Section& section, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners) {
  section.take_choice("output", app.output);
  decode_on_demand(section, app);
  decode_workers(section, app);
  decode_ready(section.section("ready"), app);
  check_on_message(section, app);
  decode_hooks(section.section("hooks"), app);
  decode_drain(section.section("drain"), app, listeners);
  decode_stop(section.section("stop"), app);
  decode_restart(section.section("restart"), app);
  decode_upgrade(section.section("upgrade"), app);
  take_duration_or_off(section, "watchdog", app.policy.watchdog);
}

}  // namespace liveswap::config
