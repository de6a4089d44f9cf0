#include "config/template_check.hpp"

#include <algorithm>

#include "config/address.hpp"
#include "config/text.hpp"

namespace liveswap::config {

void TemplateCheck::check(const PlacedWord& word, std::string_view key, Place place) const {
  auto tell = [&](std::size_t offset, const std::string& message) {
    context_.findings.error(word.offset + (word.exact ? offset : 0), fmt::format("{}: {}", key, message));
  };
  auto parts = parse_template(word.text);
  if (!parts) return tell(parts.error().offset, parts.error().message);
  for (const auto& part : *parts) {
    if (!part.variable) continue;
    if (auto reason = refuse(part, place); !reason.empty()) tell(part.offset, reason);
  }
}

std::string TemplateCheck::refuse(const Part& part, Place place) const {
  if (place == Place::cwd && is_per_worker(*part.variable)) {
    return fmt::format("{} differs from worker to worker, and a release has one directory", text_of(part));
  }
  if (place == Place::ready_command && part.variable == Variable::fd) {
    return fmt::format(
        "{}: a ready command gets no descriptors; ${{addr:{}}} and ${{port:{}}} tell where to ask",
        text_of(part), part.text, part.text);
  }
  switch (*part.variable) {
    case Variable::fd:
    case Variable::addr:
    case Variable::port: return refuse_listener(part);
    case Variable::target: return app_.target ? "" : "${target}: this app has no target:";
    case Variable::slot:
    case Variable::generation:
    case Variable::release:
    case Variable::env: break;
  }
  return "";
}

std::string TemplateCheck::refuse_listener(const Part& part) const {
  auto found = std::find_if(listeners_.begin(), listeners_.end(), [&part](const PlacedListener& listener) {
    return listener.plan.name == part.text;
  });
  if (found == listeners_.end()) {
    std::vector<std::string> names;
    for (const auto& listener : listeners_) names.push_back(listener.plan.name);
    return fmt::format("{}: there is no listener {}{}", text_of(part), quoted(part.text),
                       did_you_mean(part.text, names));
  }
  const auto& addresses = found->plan.addresses;
  bool own = std::find(app_.listeners.begin(), app_.listeners.end(), part.text) != app_.listeners.end();
  if (part.variable == Variable::fd && !own) {
    return fmt::format("{}: {} is not among this app's listeners:", text_of(part), quoted(part.text));
  }
  if (addresses.empty()) return "";  // told already
  if (part.index >= addresses.size()) {
    return fmt::format("{}: listener {} has {} {}, counted from 0", text_of(part), quoted(part.text),
                       addresses.size(), addresses.size() == 1 ? "socket" : "sockets");
  }
  if (part.variable == Variable::port && is_unix(addresses[part.index].kind)) {
    return fmt::format("{}: a Unix socket has no port", text_of(part));
  }
  return "";
}

}  // namespace liveswap::config
