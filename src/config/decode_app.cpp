#include "config/decode_app.hpp"

#include <algorithm>

#include "config/accounts.hpp"
#include "config/decode_command.hpp"
#include "config/decode_handover.hpp"
#include "config/decode_policy.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

std::vector<std::string> names_of(const std::vector<core::ListenerPlan>& listeners) {
  std::vector<std::string> names;
  for (const auto& listener : listeners) names.push_back(listener.name);
  return names;
}

void decode_listener_names(Section& section, core::AppPlan& app,
                           const std::vector<core::ListenerPlan>& listeners, bool only_app) {
  auto known = names_of(listeners);
  if (!section.has("listeners")) {
    if (only_app) app.listeners = known;
    if (app.stdin_listener) std::erase(app.listeners, *app.stdin_listener);
    return;
  }
  for (const auto& word :
       section.words("listeners", "a listener's name").value_or(std::vector<PlacedWord>{})) {
    if (std::find(known.begin(), known.end(), word.text) == known.end()) {
      tell_no_listener(section, "listeners", word, listeners);
    } else if (std::find(app.listeners.begin(), app.listeners.end(), word.text) != app.listeners.end()) {
      section.error_at(word.offset, "listeners", fmt::format("{} is listed twice", quoted(word.text)));
    } else {
      app.listeners.push_back(word.text);
    }
  }
}

void decode_limits(Section limits, const Node* map, core::AppPlan& app) {
  if (!map || map->kind != NodeKind::map) return;
  for (const auto& entry : map->entries) {
    auto word = limits.word(entry.key);
    if (!word) continue;
    auto limit = parse_limit(entry.key, word->text);
    if (limit) {
      app.limits.push_back(*limit);
    } else {
      limits.error_at(limit.error().starts_with("unknown") ? entry.key_offset : word->offset, entry.key,
                      limit.error());
    }
  }
}

}  // namespace

core::AppPlan decode_app(Context& context, const Entry& entry,
                         const std::vector<core::ListenerPlan>& listeners, bool only_app) {
  core::AppPlan app{.name = entry.key};
  auto label = fmt::format("apps.{}", entry.key);
  if (auto name = parse_name(entry.key); !name) {
    context.findings.error(entry.key_offset, fmt::format("apps: {}", name.error()));
  }
  if (entry.value.kind != NodeKind::map) {
    context.findings.error(entry.value.offset, fmt::format("{}: a map of keys is needed here, not {}", label,
                                                           name_of(entry.value.kind)));
    return app;
  }
  Section section(context, &entry.value, label);
  if (!section.has("command") && !section.has("target")) {
    context.findings.error(entry.key_offset,
                           fmt::format("{}: command: or target: must say what to run", label));
  }
  decode_target(section, app);
  decode_stdin(section, app, listeners);
  decode_listener_names(section, app, listeners, only_app);
  decode_protocol(section, app);
  decode_handover(section, app);
  decode_command(section, app, listeners);
  decode_policy(section, app, listeners);
  decode_ready_fd(section, app, listeners);
  take_account(section, app);
  decode_environment(section, app, listeners);
  check_programs(section, app);
  decode_limits(section.section("limits"), section.find("limits"), app);
  return app;
}

}  // namespace liveswap::config
