#include "config/decoder.hpp"

#include "config/text.hpp"

namespace liveswap::config {

std::string_view name_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::null: return "nothing";
    case NodeKind::scalar: return "a value";
    case NodeKind::list: return "a list";
    case NodeKind::map: return "a map";
  }
  return "";
}

PlacedWord placed(const Context& context, const Node& word) {
  auto text = context.source.text().substr(word.offset);
  bool in_quotes = text.starts_with('"') || text.starts_with('\'');
  std::size_t skip = word.quoted && in_quotes ? 1 : 0;
  bool exact = text.substr(skip).starts_with(word.text);
  return {.text = word.text, .offset = word.offset + (exact ? skip : 0), .exact = exact};
}

Section::Section(Context& context, const Node* map, std::string label)
    : context_(context), map_(map), label_(std::move(label)) {}

const Node* Section::find(std::string_view key) const {
  auto entry = map_ ? map_->find(key) : nullptr;
  return entry ? &entry->value : nullptr;
}

std::string Section::name_of_key(std::string_view key) const {
  return label_.empty() ? std::string(key) : fmt::format("{}.{}", label_, key);
}

void Section::error(std::string_view key, std::string_view message) {
  auto node = find(key);
  error_at(node ? node->offset : map_ ? map_->offset : 0, key, message);
}

void Section::error_at(std::size_t offset, std::string_view key, std::string_view message) {
  context_.findings.error(offset, fmt::format("{}: {}", name_of_key(key), message));
}

void Section::warning(std::string_view key, std::string_view message) {
  if (auto node = find(key))
    context_.findings.warning(node->offset, fmt::format("{}: {}", name_of_key(key), message));
}

Section Section::section(std::string_view key) {
  auto node = find(key);
  if (node && node->kind != NodeKind::map) {
    error(key, fmt::format("a map of keys is needed here, not {}", name_of(node->kind)));
    node = nullptr;
  }
  return {context_, node, name_of_key(key)};
}

std::optional<PlacedWord> Section::word(std::string_view key) {
  auto node = find(key);
  if (!node) return std::nullopt;
  if (node->kind == NodeKind::scalar) return placed(context_, *node);
  error(key, node->kind == NodeKind::null
                 ? "a value is missing"
                 : fmt::format("one value is needed here, not {}", name_of(node->kind)));
  return std::nullopt;
}

std::optional<std::vector<PlacedWord>> Section::words(std::string_view key, std::string_view what) {
  auto node = find(key);
  if (!node) return std::nullopt;
  if (node->kind != NodeKind::list) {
    auto one = word(key);
    return one ? std::optional(std::vector{*one}) : std::nullopt;
  }
  std::vector<PlacedWord> out;
  bool good = true;
  for (const auto& item : node->items) {
    if (item.is_word()) {
      out.push_back(placed(context_, item));
      continue;
    }
    good = false;
    auto hint = item.kind == NodeKind::map ? ": quote what holds \": \" or { }" : "";
    error_at(item.offset, key, fmt::format("{} is needed here, not {}{}", what, name_of(item.kind), hint));
  }
  return good ? std::optional(out) : std::nullopt;
}

void Section::take_duration(std::string_view key, core::Duration& target, DurationRule rule) {
  take(key, target, [rule](std::string_view text) { return parse_duration(text, rule); });
}

}  // namespace liveswap::config
