#include "wire/json_fields.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace liveswap::wire {

namespace {

bool is_text(const Json& value) {
  return value.is_string() && value.get_ref<const std::string&>().find('\0') == std::string::npos;
}

}  // namespace

const Json* JsonFields::find(std::string_view name) {
  asked_.push_back(name);
  const auto found = object_.find(std::string(name));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void JsonFields::refuse(std::string_view name) {
  if (!refused_) refused_ = std::string(name);
}

std::optional<std::string> JsonFields::text(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (is_text(*value)) return value->get<std::string>();
  refuse(name);
  return std::nullopt;
}

std::optional<std::int64_t> JsonFields::integer(std::string_view name, std::int64_t least,
                                                std::int64_t most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value->is_number_integer() && !(value->is_number_unsigned() && value->get<std::uint64_t>() > largest)) {
    const auto number = value->get<std::int64_t>();
    if (number >= least && number <= most) return number;
  }
  refuse(name);
  return std::nullopt;
}

bool JsonFields::flag(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  refuse(name);
  return false;
}

std::vector<std::string> JsonFields::texts(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (value->is_array() && std::all_of(value->begin(), value->end(), is_text)) {
    return value->get<std::vector<std::string>>();
  }
  refuse(name);
  return {};
}

std::vector<std::pair<std::string, std::string>> JsonFields::map(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  std::vector<std::pair<std::string, std::string>> pairs;
  if (value->is_object()) {
    for (const auto& [key, item] : value->items()) {
      if (!is_text(item) || key.find('\0') != std::string::npos) break;
      pairs.emplace_back(key, item.template get<std::string>());
    }
  }
  if (value->is_object() && pairs.size() == value->size()) return pairs;
  refuse(name);
  return {};
}

std::optional<std::string> JsonFields::bad() const {
  if (refused_) return refused_;
  for (const auto& [key, value] : object_.items()) {
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) return key;
  }
  return std::nullopt;
}

}  // namespace liveswap::wire
