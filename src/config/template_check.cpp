#include "config/template_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/address.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

std::string no_such_listener(const Part& part, const std::vector<core::ListenerPlan>& listeners) {
  std::vector<std::string> names;
  for (const auto& listener : listeners) names.push_back(listener.name);
  return fmt::format("{}: there is no listener {}{}", text_of(part), quoted(part.text),
                     did_you_mean(part.text, names));
}

std::string refuse_listener(const Part& part, const std::vector<core::ListenerPlan>& listeners,
                            const core::AppPlan& app) {
  auto found = std::find_if(listeners.begin(), listeners.end(), [&part](const core::ListenerPlan& listener) {
    return names_listener(part, listener.name);
  });
  if (found == listeners.end()) return no_such_listener(part, listeners);
  auto own = app.all_listeners();
  if (part.variable == Variable::fd && std::find(own.begin(), own.end(), found->name) == own.end()) {
    return fmt::format("{}: {} is not among this app's listeners", text_of(part), quoted(part.text));
  }
  bool is_handed = core::hands_descriptors(app.protocol) || app.stdin_listener == found->name;
  if (part.variable == Variable::fd && !is_handed) {
    return fmt::format("{}: a {} worker is handed no descriptors: it {}", text_of(part), core::name_of(app.protocol),
                       app.protocol == core::Protocol::node ? "asks for them by listen()" : "binds by itself");
  }
  const auto& addresses = found->addresses;
  if (addresses.empty()) return "";  // a bad address, told already
  if (part.index >= addresses.size()) {
    return fmt::format("{}: listener {} has {} {}, counted from 0", text_of(part), quoted(part.text),
                       addresses.size(), addresses.size() == 1 ? "socket" : "sockets");
  }
  if (part.variable == Variable::port && is_unix(addresses[part.index].kind)) {
    return fmt::format("{}: a Unix socket has no port", text_of(part));
  }
  return "";
}

std::string_view command_without_descriptors(Place place) {
  if (place == Place::ready_command) return "a ready command";
  return place == Place::message_command ? "a command for messages" : "";
}

std::string refuse(const Part& part, Place place, const std::vector<core::ListenerPlan>& listeners,
                   const core::AppPlan& app) {
  if (part.is_circus && place != Place::command) {
    return fmt::format("{}: circus's names are for command: only", text_of(part));
  }
  if (place == Place::cwd && is_per_worker(*part.variable)) {
    return fmt::format("{} differs from worker to worker, and a release has one directory", text_of(part));
  }
  if (place == Place::hook && (is_per_worker(*part.variable) || part.variable == Variable::release)) {
    return fmt::format("{}: a hook runs before there is a release and its workers", text_of(part));
  }
  if (const auto what = command_without_descriptors(place); !what.empty() && part.variable == Variable::fd) {
    return fmt::format("{}: {} gets no descriptors; ${{addr:{}}} and ${{port:{}}} say where to ask", text_of(part),
                       what, part.text, part.text);
  }
  switch (*part.variable) {
    case Variable::fd:
    case Variable::addr:
    case Variable::port: return refuse_listener(part, listeners, app);
    case Variable::target: return app.target ? "" : "${target}: this app has no target";
    case Variable::slot:
    case Variable::generation:
    case Variable::release:
    case Variable::env: break;
  }
  return "";
}

bool mentions_target(std::string_view word) {
  auto parts = parse_template(word);
  return parts && std::any_of(parts->begin(), parts->end(),
                              [](const Part& part) { return part.variable == Variable::target; });
}

}  // namespace

std::vector<TemplateError> check_template(std::string_view word, Place place,
                                          const std::vector<core::ListenerPlan>& listeners,
                                          const core::AppPlan& app) {
  auto parts = parse_template(word);
  if (!parts) return {parts.error()};
  std::vector<TemplateError> errors;
  for (const auto& part : *parts) {
    if (!part.variable) continue;
    if (auto reason = refuse(part, place, listeners, app); !reason.empty()) {
      errors.push_back({part.offset, std::move(reason)});
    }
  }
  return errors;
}

bool uses_target(const core::AppPlan& app) {
  return app.command.empty() || mentions_target(app.cwd) ||
         std::any_of(app.command.begin(), app.command.end(), mentions_target) ||
         std::ranges::any_of(app.ready.command, mentions_target) ||
         std::ranges::any_of(app.on_message, mentions_target) ||
         std::ranges::any_of(app.hooks.pre_upgrade, mentions_target) ||
         std::any_of(app.env.begin(), app.env.end(),
                     [](const auto& set) { return mentions_target(set.second); });
}

}  // namespace liveswap::config
