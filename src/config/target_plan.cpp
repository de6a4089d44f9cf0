#include "config/target_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/address.hpp"
#include "config/decode_command.hpp"
#include "config/paths.hpp"
#include "config/program_check.hpp"
#include "config/scalars.hpp"
#include "config/target_kind.hpp"
#include "config/template_check.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

using Errors = std::vector<std::string>;

constexpr std::string_view kDefaultName = "default";
constexpr std::size_t kPathMax = 4096;  // PATH_MAX, with the byte that ends it
constexpr int kTcpControlPort = 3000;  // the namesake's

// NAME=ADDRESS, or ADDRESS alone: a path may hold a `=`, a name no `:`.
std::pair<std::string, std::string_view> split_listener(std::string_view option) {
  auto equals = option.find('=');
  if (equals == std::string_view::npos || option.find(':') < equals)
    return {std::string(kDefaultName), option};
  return {std::string(option.substr(0, equals)), option.substr(equals + 1)};
}

void add_listener(const std::string& option, const Facts& facts, core::MasterPlan& plan, Errors& errors) {
  auto [name, text] = split_listener(option);
  if (auto good = parse_name(name); !good) errors.push_back(fmt::format("-l {}: {}", option, good.error()));
  auto addresses = parse_address(text, facts.working_directory);
  if (!addresses) {
    errors.push_back(fmt::format("-l {}: {}", option, addresses.error()));
    return;
  }
  auto listener = std::find_if(plan.listeners.begin(), plan.listeners.end(),
                               [&name](const core::ListenerPlan& known) { return known.name == name; });
  if (listener == plan.listeners.end()) {
    listener =
        plan.listeners.insert(listener, core::ListenerPlan{.name = name, .addresses = {}, .options = {}});
  }
  for (auto& address : *addresses) listener->addresses.push_back(std::move(address));
}

void check_conflicts(const core::MasterPlan& plan, Errors& errors) {
  std::vector<Claim> claims;
  for (const auto& listener : plan.listeners) {
    for (const auto& address : listener.addresses) claims.push_back({address, listener.options});
  }
  for (std::size_t later = 1; later < claims.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      auto reason = conflict(claims[earlier], claims[later]);
      if (reason.empty()) continue;
      errors.push_back(fmt::format("-l {} and -l {} exclude each other: {}", claims[earlier].address.text,
                                   claims[later].address.text, reason));
      break;
    }
  }
}

// What the app runs, and how an error about it begins.
struct Named {
  std::string path;  // absolute
  std::string by;
};

std::unexpected<std::string> bad_head(const std::string& head, std::string_view what) {
  return std::unexpected(fmt::format("-H {}: {}", head, what));
}

// The target that a HEAD file names; "" for an empty file.
std::expected<std::string, std::string> read_head(const std::string& head, const std::string& path,
                                                  const Facts& facts) {
  auto text = facts.read_text ? facts.read_text(path) : std::nullopt;
  if (!text) return bad_head(head, "cannot be read, or is no regular file");
  std::string_view line = *text;
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.size() >= kPathMax || line.find_first_of(std::string_view("\n\0", 2)) != std::string_view::npos)
    return bad_head(head, "is no HEAD file, which is one line: the path of a target");
  return std::string(line);
}

// With -s, the file is checked as well: what is no HEAD file is not overwritten.
std::expected<Named, std::string> named_target(const TargetRequest& request, const Facts& facts) {
  const auto& folder = facts.working_directory;
  std::string line;
  if (request.head) {
    auto path = absolute_path(*request.head, folder);
    bool is_there = facts.kind_of(path) != PathKind::missing;
    auto read = is_there ? read_head(*request.head, path, facts) : std::string();
    if (!read) return std::unexpected(read.error());
    line = std::move(*read);
    if (!request.target && line.empty())
      return bad_head(*request.head, is_there ? "is empty; -s TARGET says what to run first"
                                              : "is not there yet; -s TARGET says what to run first");
  }
  if (request.target) return Named{absolute_path(*request.target, folder), "-s " + *request.target};
  return Named{absolute_path(line, folder), fmt::format("-H {}, which names {}", *request.head, line)};
}

// What runs it; none: an error was told.
std::optional<TargetKind> check_target(const Named& target, const Facts& facts, Errors& errors) {
  auto told = [&](std::string_view what) {
    errors.push_back(fmt::format("{}: {}", target.by, what));
    return std::nullopt;
  };
  auto kind = facts.kind_of(target.path);
  if (kind == PathKind::missing) return told("no such file");
  if (kind == PathKind::directory)
    return told("is a directory; a file says what to run of it: target: and command: in liveswap.yaml(5)");
  auto known = kind_of_target(target.path, facts);
  return known ? known : told(no_kind());
}

void add_arguments(const TargetRequest& request, const core::MasterPlan& plan, core::AppPlan& app, Errors& errors) {
  for (const auto& argument : request.arguments) {
    for (const auto& error : check_template(argument, Place::command, plan.listeners, app)) {
      errors.push_back(fmt::format("argument {}: {}", quoted(argument), error.message));
    }
    app.arguments.push_back(argument);
  }
}

void take_target(const TargetRequest& request, const Facts& facts, core::AppPlan& app, Errors& errors) {
  auto target = named_target(request, facts);
  if (!target) return errors.push_back(target.error());
  app.target = target->path;
  if (request.head && app.target->find('\n') != std::string::npos)
    errors.push_back(fmt::format("{}: a HEAD file is one line, and cannot name a path with a line break", target->by));
  auto kind = check_target(*target, facts, errors);
  if (!kind) return;
  choose_protocol(app, *kind);
  if (!kind->interpreter.empty()) {
    auto missing = missing_program(as_template(kind->interpreter.front()), app, facts.working_directory, facts);
    if (missing) errors.push_back(fmt::format("{}: what runs it, {}", target->by, *missing));
  }
}

// A loopback address alone: who may connect to another one, nobody could say.
std::optional<core::Address> tcp_control_of(const TargetRequest& request, Errors& errors) {
  if (!request.port && !request.address) return std::nullopt;
  const int port = request.port.value_or(kTcpControlPort);
  const std::string host = request.address.value_or("127.0.0.1");
  const bool good_port = port >= 0 && port <= 65535;
  if (!good_port) errors.push_back(fmt::format("-p {}: a port is a number from 0 to 65535", port));
  const auto text = fmt::format("tcp://{}:{}", host.contains(':') ? "[" + host + "]" : host, good_port ? port : 0);
  const auto addresses = parse_address(text, "");
  if (!addresses) {
    errors.push_back(fmt::format("-a {}: {}", host, addresses.error()));
    return std::nullopt;
  }
  const core::Address& address = addresses->front();
  if (address.host != "::1" && !address.host.starts_with("127.")) {
    errors.push_back(fmt::format("-a {}: only a loopback address, 127.0.0.1 or ::1, can be controlled by TCP", host));
  }
  return address;
}

void take_pre_upgrade(const TargetRequest& request, const Facts& facts, core::AppPlan& app, Errors& errors) {
  if (!request.pre_upgrade) return;
  const std::string path = absolute_path(*request.pre_upgrade, facts.working_directory);
  app.hooks.pre_upgrade = {as_template(path)};
  const PathKind kind = facts.kind_of(path);
  if (kind == PathKind::missing) {
    errors.push_back(fmt::format("--pre-upgrade {}: no such file", *request.pre_upgrade));
  } else if (kind == PathKind::directory) {
    errors.push_back(fmt::format("--pre-upgrade {}: is a directory", *request.pre_upgrade));
  } else if (kind == PathKind::other && !is_node_module(path)) {
    errors.push_back(fmt::format("--pre-upgrade {}: is not executable", *request.pre_upgrade));
  }
}

core::AppPlan app_of(const TargetRequest& request, const Facts& facts, const core::MasterPlan& plan,
                     Errors& errors) {
  core::AppPlan app{.name = std::string(kDefaultName)};
  app.cwd = as_template(facts.working_directory);
  app.policy.workers = kTargetWorkers;
  app.policy.overlap = request.overlap;
  if (request.workers) {
    bool good = *request.workers >= 1 && static_cast<std::uint32_t>(*request.workers) <= kWorkersMax;
    if (!good) errors.push_back(fmt::format("-f {}: 1 to {} workers", *request.workers, kWorkersMax));
    app.policy.workers = static_cast<std::uint32_t>(good ? *request.workers : 1);
  }
  take_pre_upgrade(request, facts, app, errors);
  for (const auto& listener : plan.listeners) app.listeners.push_back(listener.name);
  take_target(request, facts, app, errors);
  add_arguments(request, plan, app, errors);
  return app;
}

}  // namespace

std::expected<core::MasterPlan, Errors> plan_for_target(const TargetRequest& request, const Facts& facts) {
  Errors errors;
  core::MasterPlan plan{.name = request.name.value_or(std::string(kDefaultName))};
  if (auto name = parse_name(plan.name); !name)
    errors.push_back(fmt::format("-n {}: {}", plan.name, name.error()));
  if (request.control) {
    plan.control.socket = absolute_path(*request.control, facts.working_directory);
    if (request.control->empty() || plan.control.socket->size() > kUnixPathMax) {
      errors.push_back(
          fmt::format("--control {}: 1 to {} bytes, as an absolute path", *request.control, kUnixPathMax));
    }
  }
  plan.control.tcp = tcp_control_of(request, errors);
  for (const auto& option : request.listeners) add_listener(option, facts, plan, errors);
  if (request.head) plan.head = absolute_path(*request.head, facts.working_directory);
  check_conflicts(plan, errors);
  plan.apps.push_back(app_of(request, facts, plan, errors));
  if (!errors.empty()) return std::unexpected(errors);
  return plan;
}

}  // namespace liveswap::config
