#include "config/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/address.hpp"
#include "config/descriptors.hpp"
#include "config/expand.hpp"
#include "config/target_kind.hpp"
#include "config/template_check.hpp"
#include "core/text.hpp"

namespace liveswap::config {

namespace {

constexpr std::string_view kChosen = "chosen by the kernel";

// One row: a label, and what it says.
std::string row(std::string_view label, std::string_view value) {
  return fmt::format("  {:<12}{}\n", label, value);
}

// The value of a part as far as it is known before anything runs; as written where it is not.
std::string known_part(const Part& part, const core::MasterPlan& plan, const core::AppPlan& app) {
  if (!part.variable) return part.text;
  if (*part.variable == Variable::target) return app.target.value_or(text_of(part));
  if (*part.variable == Variable::fd) {
    // Of a listener that is also standard input, its number among the others is meant.
    std::string number;
    for (const auto& descriptor : descriptors_of(plan.listeners, app)) {
      bool meant = names_listener(part, descriptor.listener) && descriptor.index == part.index;
      if (meant) number = fmt::format("{}", descriptor.number);
    }
    if (!number.empty()) return number;
  }
  for (const auto& listener : plan.listeners) {
    if (listener.name != part.text || part.index >= listener.addresses.size()) continue;
    auto value =
        socket_value(listener.name, listener.addresses[part.index], listener.addresses[part.index].port, {});
    if (*part.variable == Variable::addr) return value.address;
    if (*part.variable == Variable::port && value.port.value_or(0) != 0)
      return fmt::format("{}", *value.port);
  }
  return text_of(part);
}

std::string known(std::string_view word, const core::MasterPlan& plan, const core::AppPlan& app) {
  std::string out;
  for (const auto& part : parse_template(word).value_or(Template{})) out += known_part(part, plan, app);
  return out;
}

// As one would type it.
std::string for_shell(const std::string& word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%+,-./:=@_${}";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string command_line(const std::vector<std::string>& words, const core::MasterPlan& plan,
                         const core::AppPlan& app) {
  std::vector<std::string> typed;
  for (const auto& word : words) typed.push_back(for_shell(known(word, plan, app)));
  return fmt::format("{}", fmt::join(typed, " "));
}

std::string address_in_words(const core::Address& address) {
  auto text = text_of(address);
  if (!is_unix(address.kind) && address.port == 0) text += fmt::format(" (the port is {})", kChosen);
  if (!is_unix(address.kind) && address.host.empty()) text += " (IPv4 and IPv6)";
  if (address.if_available) text += " (where the machine has it)";
  return text;
}

std::string_view how_it_says_so(const core::AppPlan& app) {
  if (app.inherit_as == core::InheritAs::tableflip || app.inherit_as == core::InheritAs::ecdysis) {
    return "(on its pipe, or READY=1)";
  }
  switch (app.protocol) {
    case core::Protocol::native: return "on its channel";
    case core::Protocol::node: return "by listening with all servers that it has asked for";
    case core::Protocol::einhorn: return "(worker:ack)";
    case core::Protocol::systemd:
    case core::Protocol::bind:
    case core::Protocol::server_starter: break;
  }
  return "(READY=1)";
}

std::string readiness(const core::AppPlan& app, const core::MasterPlan& plan) {
  auto within = fmt::format("within {}", core::text_of(app.policy.ready_timeout));
  switch (app.ready.when) {
    case core::ReadyWhen::notify:
      return fmt::format("when the worker says so {}, {}", how_it_says_so(app), within);
    case core::ReadyWhen::message: return fmt::format("when the program says process.send('ready'), {}", within);
    case core::ReadyWhen::listen: return fmt::format("when the program listens, {}", within);
    case core::ReadyWhen::fd:
      return fmt::format("when the worker writes a newline to descriptor {}, {}", app.ready.fd, within);
    case core::ReadyWhen::delay: return fmt::format("{} after its start", core::text_of(app.ready.delay));
    case core::ReadyWhen::command:
      return fmt::format("when {} succeeds, tried every {}, {}", command_line(app.ready.command, plan, app),
                         core::text_of(app.ready.interval), within);
  }
  return "";
}

// What runs a target that is run itself; "${target}" is the target.
std::vector<std::string> command_of(const core::AppPlan& app, const Facts& facts) {
  if (!app.command.empty()) return app.command;
  auto kind = app.target ? kind_of_target(*app.target, facts) : std::nullopt;
  std::vector<std::string> words;
  for (const auto& word : kind.value_or(TargetKind{}).interpreter) words.push_back(as_template(word));
  words.emplace_back("${target}");
  words.insert(words.end(), app.arguments.begin(), app.arguments.end());
  return words;
}

std::string amount(const core::Amount& amount) {
  return fmt::format("{}{}", amount.value, amount.percent ? "%" : "");
}

std::string drain(const core::AppPolicy& policy) {
  if (policy.leaving == core::Leaving::stopped_when_empty) {
    return fmt::format("{} when it has no connection open, at most {}", core::signal_name(policy.stop_signal),
                       core::text_of(policy.drain_timeout));
  }
  if (policy.leaving == core::Leaving::asked_when_empty) {
    return fmt::format("{} when it has no connection open, at most {}", core::signal_name(policy.drain_signal),
                       core::text_of(policy.drain_timeout));
  }
  auto how = policy.drain_by_signal ? core::signal_name(policy.drain_signal) : "a message on its channel";
  std::string out = fmt::format("{}, then at most {}", how, core::text_of(policy.drain_timeout));
  if (policy.drain_idle) {
    out += fmt::format("; idle connections are closed, doubtful ones after {}", core::text_of(*policy.drain_idle));
  }
  return out;
}

std::string account(const core::AppPlan& app) {
  if (!app.user && !app.group) return "the master's";
  if (!app.group) return *app.user;
  return fmt::format("{}, group {}", app.user.value_or("the master's"), *app.group);
}

// What `auto` comes to, as far as this machine is known.
std::string bind_by(const core::AppPlan& app, const Facts& facts) {
  if (app.bind_by != core::BindBy::automatic || !facts.seccomp_problem) return std::string(core::name_of(app.bind_by));
  const std::string problem = facts.seccomp_problem();
  if (problem.empty()) return "seccomp (auto)";
  return fmt::format("preload (auto, since seccomp cannot be used: {})", problem);
}

std::string describe_rules(const core::MasterPlan& plan, const core::AppPlan& app, const Facts& facts) {
  const auto& policy = app.policy;
  std::string out;
  out += row("workers", fmt::format("{}{}", policy.workers, app.workers_auto ? " (auto)" : ""));
  out += row("protocol", fmt::format("{}{}", core::name_of(app.protocol),
                                     app.protocol_chosen ? " (by the kind of the target)" : ""));
  if (app.protocol == core::Protocol::bind) out += row("bind_by", bind_by(app, facts));
  if (app.inherit_as) out += row("inherit_as", core::name_of(*app.inherit_as));
  out += row("ready", readiness(app, plan));
  if (!app.on_message.empty()) out += row("on message", command_line(app.on_message, plan, app));
  if (!app.hooks.pre_upgrade.empty()) {
    out += row("pre_upgrade", fmt::format("{}, at most {}", command_line(app.hooks.pre_upgrade, plan, app),
                                          core::text_of(app.hooks.timeout)));
  }
  out += row("drain", drain(policy));
  out += row("stop", fmt::format("{}, KILL after {}", core::signal_name(policy.stop_signal),
                                 core::text_of(policy.stop_timeout)));
  out += row("upgrade", policy.overlap ? fmt::format("{} more, {} fewer workers than wanted",
                                                     amount(policy.max_surge), amount(policy.max_unavailable))
                                       : "stops the old workers at once, before the new ones are ready (-z)");
  if (policy.watchdog) out += row("watchdog", core::text_of(*policy.watchdog));
  if (app.status_file) out += row("status file", *app.status_file);
  for (const auto& limit : app.limits) {
    auto number = [](std::uint64_t value) {
      return value == core::kUnlimited ? std::string("infinity") : fmt::format("{}", value);
    };
    out += row("limit", fmt::format("{} {}:{}", limit.name, number(limit.soft), number(limit.hard)));
  }
  return out;
}

std::string describe_environment(const core::MasterPlan& plan, const core::AppPlan& app,
                                 const AddedVariables& added) {
  using Kind = core::PassEnv::Kind;
  std::string out;
  auto passed = app.pass_env.kind == Kind::all    ? std::string("all of the master's")
                : app.pass_env.kind == Kind::none ? std::string("none of the master's")
                                                  : fmt::format("{}", fmt::join(app.pass_env.patterns, " "));
  out += row("environment", passed);
  if (app.user) out += row("", fmt::format("HOME, LOGNAME, SHELL and USER of {}", *app.user));
  for (const auto& file : app.env_files) {
    out += row("", fmt::format("{}{}", file.path, file.may_be_missing ? " (may be missing)" : ""));
  }
  for (const auto& [name, value] : app.env)
    out += row("", fmt::format("{}={}", name, for_shell(known(value, plan, app))));
  if (!added) return out;
  for (const auto& [name, value] : added(plan, app))
    out += row("", fmt::format("{}={}", name, for_shell(value)));
  return out;
}

std::string_view standard_stream(core::Output output) {
  return output == core::Output::prefix ? "the master's output, each line labelled" : "the master's output, as it is";
}

std::string_view handoff_of(const core::MasterPlan& plan, std::string_view name) {
  const auto found = std::ranges::find(plan.listeners, name, &core::ListenerPlan::name);
  if (found == plan.listeners.end() || found->handoff == core::Handoff::shared) return "";
  return found->queues == core::Queues::one ? ", steered" : ", steered, one for each worker";
}

// What a program that binds by itself gets there, and what it may ask for instead.
std::string bound_in_words(const core::MasterPlan& plan, const Descriptor& descriptor) {
  const auto found = std::ranges::find(plan.listeners, descriptor.listener, &core::ListenerPlan::name);
  std::string text = fmt::format("{}  {}", descriptor.listener, address_in_words(descriptor.address));
  for (const auto& address : found->match) text += fmt::format(", for {}", address_in_words(address));
  return text;
}

// All that a worker has, by number. A Node worker is handed no listeners; listen({fd: N}) counts them as if it were.
std::string describe_descriptors(const core::MasterPlan& plan, const core::AppPlan& app) {
  const bool is_handed = core::hands_descriptors(app.protocol);
  const bool is_node = app.protocol == core::Protocol::node;
  std::size_t width = 0;
  for (const auto& name : app.all_listeners()) width = std::max(width, name.size());
  std::multimap<int, std::string> lines{{1, fmt::format("1, 2  {}", standard_stream(app.output))}};
  if (!app.stdin_listener) lines.emplace(0, "0  /dev/null");
  std::string for_listen;
  for (const auto& descriptor : descriptors_of(plan.listeners, app)) {
    auto text = fmt::format("{}  {:<{}}  {}{}", descriptor.number, descriptor.listener, width,
                            address_in_words(descriptor.address), handoff_of(plan, descriptor.listener));
    if (is_handed || descriptor.number == 0) {
      lines.emplace(descriptor.number, std::move(text));
    } else if (!is_node) {
      for_listen += row(for_listen.empty() ? "for bind()" : "", bound_in_words(plan, descriptor));
    } else {
      for_listen += row(for_listen.empty() ? "for listen()" : "", "fd " + text);
    }
  }
  for (const auto& extra : extra_descriptors_of(plan.listeners, app)) {
    lines.emplace(extra.number, fmt::format("{}  {}", extra.number, extra.meaning));
  }
  std::string out;
  for (const auto& [number, line] : lines) out += row(out.empty() ? "descriptors" : "", line);
  out += for_listen;
  for (const auto& address : app.allow_bind) out += row("allow_bind", address_in_words(address));
  return out;
}

std::string describe_serve(const core::ServePlan& serve) {
  if (!serve.serves()) return "";
  std::string out = "\nserve\n";
  if (serve.haproxy) out += row("haproxy", *serve.haproxy);
  if (serve.uwsgi) out += row("uwsgi", *serve.uwsgi);
  if (!serve.multibinder) return out;
  out += row("multibinder", serve.multibinder->socket);
  for (const auto& address : serve.multibinder->allow_bind) out += row("allow_bind", address_in_words(address));
  return out;
}

std::string describe_app(const core::MasterPlan& plan, const core::AppPlan& app,
                         const AddedVariables& added, const Facts& facts) {
  std::string out = fmt::format("app {}\n", app.name);
  if (app.target) out += row("target", *app.target);
  out += row("command", command_line(command_of(app, facts), plan, app));
  out += row("cwd", known(app.cwd, plan, app));
  out += row("user", account(app));
  out += describe_rules(plan, app, facts);
  return out + describe_descriptors(plan, app) + describe_environment(plan, app, added);
}

}  // namespace

std::string describe(const core::MasterPlan& plan, const Facts& facts, const AddedVariables& added) {
  std::string out =
      fmt::format("master {}{}\n", plan.name, plan.file.empty() ? "" : fmt::format(" ({})", plan.file));
  if (plan.head) out += fmt::format("HEAD {}\n", *plan.head);
  for (const auto& app : plan.apps) out += "\n" + describe_app(plan, app, added, facts);
  return out + describe_serve(plan.serve);
}

}  // namespace liveswap::config
