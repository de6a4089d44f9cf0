#include "config/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/text.hpp"

namespace liveswap::config {

namespace {

constexpr auto kKeys = std::to_array<Key>({
#define KEY(path, type, fallback, doc) {path, type, fallback, doc},
#include "config/keys.def"
#undef KEY
});

std::string_view parent_of(std::string_view path) {
  auto dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
}

std::string_view last_of(std::string_view path) { return path.substr(path.rfind('.') + 1); }

std::string below(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

bool is_key(std::string_view path) {
  return std::any_of(kKeys.begin(), kKeys.end(), [path](const Key& key) { return key.path == path; });
}

// `apps.*.ready` is shown as `apps.NAME.ready`.
std::string shown(std::string_view path) {
  std::string text(path);
  if (auto star = text.find('*'); star != std::string::npos) text.replace(star, 1, "NAME");
  return text;
}

// Where else a key of this very name belongs.
std::string other_places(std::string_view name) {
  std::vector<std::string> places;
  for (const auto& key : kKeys) {
    if (last_of(key.path) != name) continue;
    auto parent = parent_of(key.path);
    places.push_back(parent.empty() ? "the top level" : shown(parent));
  }
  if (places.empty() || places.size() > 5) return "";
  auto last = places.back();
  places.pop_back();
  return fmt::format(" (it belongs to {}{}{})", joined(places), places.empty() ? "" : " or ", last);
}

std::string unknown_key(std::string_view parent, const std::string& key) {
  auto message = fmt::format("unknown key {}", quoted(key));
  if (is_key(below(parent, key))) {  // written with dots
    return fmt::format("{} (write {} below {})", message, quoted(last_of(key)), quoted(parent_of(key)));
  }
  auto siblings = keys_below(parent);
  if (auto near = did_you_mean(key, siblings); !near.empty()) return message + near;
  if (auto places = other_places(key); !places.empty()) return message + places;
  return message;
}

void check_below(const Node& node, std::string_view path, Findings& findings) {
  auto children = keys_below(path);
  if (node.kind != NodeKind::map || children.empty()) return;
  bool named_by_operator = children.front() == "*";
  for (const auto& entry : node.entries) {
    if (named_by_operator) {
      check_below(entry.value, below(path, "*"), findings);
    } else if (is_key(below(path, entry.key)) && !entry.key.contains('.')) {
      check_below(entry.value, below(path, entry.key), findings);
    } else if (!(path.empty() && entry.key.starts_with("x-"))) {
      findings.error(entry.key_offset, unknown_key(path, entry.key));
    }
  }
}

}  // namespace

std::span<const Key> all_keys() { return kKeys; }

std::vector<std::string> keys_below(std::string_view path) {
  std::vector<std::string> names;
  for (const auto& key : kKeys) {
    if (parent_of(key.path) == path) names.emplace_back(last_of(key.path));
  }
  return names;
}

void check_keys(const Node& root, Findings& findings) { check_below(root, "", findings); }

}  // namespace liveswap::config
