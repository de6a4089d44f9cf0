#include "config/decode_master.hpp"

#include <algorithm>

#include "config/accounts.hpp"
#include "config/address.hpp"
#include "config/decode_app.hpp"
#include "config/decode_listeners.hpp"
#include "config/decode_path.hpp"
#include "config/decode_serve.hpp"
#include "config/keys.hpp"
#include "config/paths.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

constexpr std::size_t kAppsMax = 1000;

void decode_name(Section& top, core::MasterPlan& plan) {
  if (top.has("name")) return top.take("name", plan.name, parse_name);
  auto stem = stem_of(plan.file);
  plan.name = stem == "liveswap" ? "default" : stem;
  if (!is_name(plan.name)) {
    top.error("name", fmt::format("is needed: the file's own name, {}, is not fit to be one", quoted(stem)));
  }
}

void decode_directories(Section& top, core::MasterPlan& plan) {
  plan.runtime_dir = take_path(top, "runtime_dir");
  if (plan.runtime_dir) check_socket_path(top, "runtime_dir", *plan.runtime_dir + "/control.sock");
  auto word = top.word("state_dir");
  plan.no_state = word && word->text == "none";
  if (!plan.no_state) plan.state_dir = take_path(top, "state_dir");
}

void decode_control(Section control, core::MasterPlan& plan) {
  plan.control.socket = take_socket_path(control, "socket");
  plan.control.observers = take_access(control.section("observers"));
  plan.control.operators = take_access(control.section("operators"));
  plan.control.admins = take_access(control.section("admins"));
}

void decode_behaviour(Section& top, core::MasterPlan& plan) {
  auto log = top.section("log");
  log.take_choice("level", plan.log_level);
  log.take_choice("format", plan.log_format);
  auto shutdown = top.section("shutdown");
  shutdown.take_duration("delay", plan.shutdown.delay, {.infinity = false});
  shutdown.take_duration("timeout", plan.shutdown.timeout);
  top.section("start").take_choice("on_failure", plan.on_start_failure);
}

void decode_apps(Section& top, core::MasterPlan& plan) {
  auto node = top.find("apps");
  if (!node) return top.error("apps", "is needed: nothing is there to run");
  top.section("apps");  // tells what is no map
  if (node->kind != NodeKind::map) return;
  if (node->entries.empty()) return top.error("apps", "at least one app is needed");
  if (node->entries.size() > kAppsMax) return top.error("apps", fmt::format("more than {} apps", kAppsMax));
  for (const auto& entry : node->entries) {
    plan.apps.push_back(decode_app(top.context(), entry, plan.listeners, node->entries.size() == 1));
  }
}

// The sockets of programs that bind by themselves are sides of steered listeners.
void steer_where_bound(Context& context, const std::vector<PlacedListener>& listeners, core::MasterPlan& plan) {
  for (const core::AppPlan& app : plan.apps) {
    if (app.protocol != core::Protocol::bind) continue;
    const auto names = app.all_listeners();
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      if (std::ranges::find(names, listeners[i].plan.name) == names.end()) continue;
      plan.listeners[i].handoff = core::Handoff::steered;
      if (!listeners[i].says_shared) continue;
      context.findings.error(listeners[i].offset,
                             fmt::format("listeners.{}: handoff: shared is not for apps.{}, with protocol: bind: its "
                                         "workers have sockets of their own", listeners[i].plan.name, app.name));
    }
  }
}

// nginx takes an inherited listener for one that an older nginx has made non-blocking. On a blocking one the worker
// that comes too late for a connection waits in accept(2) for the next, and does nothing else meanwhile.
void unblock_where_needed(Context& context, const std::vector<PlacedListener>& listeners, core::MasterPlan& plan) {
  for (const core::AppPlan& app : plan.apps) {
    if (app.inherit_as != core::InheritAs::nginx) continue;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      if (std::ranges::find(app.listeners, listeners[i].plan.name) == app.listeners.end()) continue;
      plan.listeners[i].options.nonblock = true;
      if (!listeners[i].says_blocking) continue;
      context.findings.error(listeners[i].offset,
                             fmt::format("listeners.{}: nonblock: false is not for apps.{}, with inherit_as: nginx, "
                                         "which would wait in accept(2) and do nothing else", listeners[i].plan.name,
                                         app.name));
    }
  }
}

std::vector<std::string> users_of(const std::string& listener, const core::MasterPlan& plan) {
  std::vector<std::string> users;
  for (const core::AppPlan& app : plan.apps) {
    const auto all = app.all_listeners();
    if (std::ranges::find(all, listener) != all.end()) users.push_back(app.name);
  }
  return users;
}

void check_use(Context& context, const std::vector<PlacedListener>& listeners, const core::MasterPlan& plan) {
  for (const auto& listener : listeners) {
    const auto& name = listener.plan.name;
    const auto users = users_of(name, plan);
    const auto& made = *std::ranges::find(plan.listeners, name, &core::ListenerPlan::name);
    if (users.size() > 1 && made.handoff == core::Handoff::steered) {
      context.findings.error(listener.offset,
                             fmt::format("listeners.{}: a steered listener is one app's, and {} list it", name,
                                         joined(users)));
    }
    if (users.empty() && !plan.apps.empty() && !plan.serve.serves()) {
      context.findings.warning(listener.offset,
                               fmt::format("listeners.{}: no app lists it: nobody accepts on it", name));
    }
    for (std::size_t i = 0; i < listener.plan.addresses.size(); ++i) {
      const auto& address = listener.plan.addresses[i];
      if (!plan.control.socket || !is_unix(address.kind) || address.abstract) continue;
      if (address.path != *plan.control.socket) continue;
      context.findings.error(
          listener.address_offsets[i],
          fmt::format("listeners.{}: {} is the control socket", name, quoted(address.path)));
    }
  }
}

}  // namespace

core::MasterPlan decode_master(Context& context, const Node& root, const std::string& path) {
  core::MasterPlan plan{.file = path};
  if (root.kind != NodeKind::map) {
    context.findings.error(root.offset, fmt::format("a map of keys (listeners:, apps:, …) is needed, not {}",
                                                    name_of(root.kind)));
    return plan;
  }
  check_keys(root, context.findings);
  Section top(context, &root, "");
  decode_name(top, plan);
  decode_directories(top, plan);
  decode_control(top.section("control"), plan);
  decode_behaviour(top, plan);
  top.section("listeners");  // tells what is no map
  auto listeners = decode_listeners(context, top.find("listeners"));
  for (const auto& listener : listeners) plan.listeners.push_back(listener.plan);
  decode_serve(top.section("serve"), plan);
  decode_apps(top, plan);
  steer_where_bound(context, listeners, plan);
  unblock_where_needed(context, listeners, plan);
  check_use(context, listeners, plan);
  return plan;
}

}  // namespace liveswap::config
