#include "config/decode_handover.hpp"

#include <algorithm>

#include "config/descriptors.hpp"
#include "config/paths.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

constexpr int kDescriptorMax = 65535;  // as the launcher has it

// What has a descriptor's number; "" where nothing does.
std::string owner_of(int number, const std::vector<core::ListenerPlan>& listeners, const core::AppPlan& app) {
  const bool is_handed = core::hands_descriptors(app.protocol);
  for (const auto& descriptor : descriptors_of(listeners, app)) {
    if (descriptor.number == number && is_handed) return "listener " + quoted(descriptor.listener);
  }
  for (const auto& extra : extra_descriptors_of(listeners, app)) {
    if (extra.number == number) return extra.meaning;
  }
  return "";
}

void decode_inherit_as(Section& section, core::AppPlan& app) {
  if (!section.has("inherit_as")) return;
  core::InheritAs value{};
  section.take_choice("inherit_as", value);
  app.inherit_as = value;
  if (!core::hands_descriptors(app.protocol)) {
    section.error("inherit_as", fmt::format("a {} worker is handed no descriptors, so there is nothing to inherit",
                                            core::name_of(app.protocol)));
  } else if (app.listeners.empty()) {
    section.error("inherit_as", "needs listeners: there is nothing to inherit");
  }
}

void decode_status_file(Section& section, core::AppPlan& app) {
  auto word = section.word("status_file");
  if (!word) return;
  if (app.protocol != core::Protocol::server_starter) {
    section.error("status_file", "goes with protocol: server-starter only");
  }
  if (word->text.empty()) return section.error("status_file", "a path is needed");
  app.status_file = absolute_path(word->text, section.context().folder);
}

}  // namespace

void tell_no_listener(Section& section, std::string_view key, const PlacedWord& word,
                      const std::vector<core::ListenerPlan>& listeners) {
  std::vector<std::string> known;
  for (const auto& listener : listeners) known.push_back(listener.name);
  auto hint = did_you_mean(word.text, known);
  if (hint.empty() && !known.empty()) hint = fmt::format("; there are {}", joined(known));
  section.error_at(word.offset, key, fmt::format("there is no listener {}{}", quoted(word.text), hint));
}

void decode_stdin(Section& section, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners) {
  auto word = section.word("stdin");
  if (!word) return;
  auto found = std::ranges::find(listeners, word->text, &core::ListenerPlan::name);
  if (found == listeners.end()) return tell_no_listener(section, "stdin", *word, listeners);
  if (found->addresses.size() > 1) {
    section.error("stdin", fmt::format("listener {} has {} sockets, and standard input is one", quoted(word->text),
                                       found->addresses.size()));
  }
  app.stdin_listener = word->text;
}

void decode_handover(Section& section, core::AppPlan& app) {
  section.take("listen_pid", app.listen_pid, parse_boolean);
  section.take("notify_fd", app.notify_fd, parse_boolean);
  decode_inherit_as(section, app);
  decode_status_file(section, app);
}

void decode_ready_fd(Section& section, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners) {
  auto node = section.find("ready");
  if (!node || node->kind != NodeKind::map) return;
  auto ready = section.section("ready");
  const bool is_fd = app.ready.when == core::ReadyWhen::fd;
  if (ready.has("fd") && !is_fd) ready.error("fd", "goes with when: fd only");
  if (is_fd && !ready.has("fd")) ready.error("when", "needs an fd: beside it");
  auto word = ready.word("fd");
  if (!word || !is_fd) return;
  auto number = parse_number(word->text, core::kFirstDescriptor, kDescriptorMax);
  if (!number) return ready.error("fd", number.error());
  const int wanted = static_cast<int>(*number);
  if (auto owner = owner_of(wanted, listeners, app); !owner.empty()) {
    return ready.error("fd", fmt::format("{} is taken: {}", wanted, owner));
  }
  app.ready.fd = wanted;
}

}  // namespace liveswap::config
