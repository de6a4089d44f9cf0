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
  if (is_delay && app.ready.delay >= app.policy.ready_timeout) {
    ready.error(ready.has("delay") ? "delay" : "timeout", "the delay is not shorter than the timeout");
  }
}

// The other protocols have a way of their own into the program.
void check_on_message(Section& section, const core::AppPlan& app) {
  if (!section.has("on_message") || app.protocol == core::Protocol::systemd) return;
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

void decode_drain(Section drain, core::AppPlan& app) {
  const auto signal = core::drain_signal(app.protocol);
  app.policy.drain_by_signal = signal.has_value();
  if (signal) app.policy.drain_signal = *signal;
  if (drain.has("signal") && !app.policy.drain_by_signal) {
    drain.error("signal", fmt::format("a {} worker is asked by a message on its channel, not by a signal",
                                      core::name_of(app.protocol)));
  }
  take_signal(drain, app.policy.drain_signal, false);
  take_drain_message(drain, app);
  drain.take_duration("timeout", app.policy.drain_timeout);
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

// What workers may open while they run: only Node's protocol has a way to ask.
void decode_on_demand(Section& section, core::AppPlan& app) {
  for (const char* key : {"allow_bind", "on_demand_max"}) {
    if (section.has(key) && app.protocol != core::Protocol::node) section.error(key, "goes with protocol: node only");
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

void decode_policy(Section& section, core::AppPlan& app) {
  section.take_choice("output", app.output);
  decode_on_demand(section, app);
  decode_workers(section, app);
  decode_ready(section.section("ready"), app);
  check_on_message(section, app);
  decode_hooks(section.section("hooks"), app);
  decode_drain(section.section("drain"), app);
  decode_stop(section.section("stop"), app);
  decode_restart(section.section("restart"), app);
  decode_upgrade(section.section("upgrade"), app);
  auto watchdog = section.word("watchdog");
  if (!watchdog || watchdog->text == "off") return;
  auto parsed = parse_duration(watchdog->text, {.zero = false, .infinity = false});
  if (parsed) {
    app.policy.watchdog = *parsed;
  } else {
    section.error("watchdog", parsed.error() + ", or off");
  }
}

}  // namespace liveswap::config
