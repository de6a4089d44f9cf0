#include "ctl/reply_fields.hpp"

#include <nlohmann/json.hpp>

namespace liveswap::ctl {

namespace {

using wire::Json;

const Json* find(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(name));
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string text_in(const Json& object, std::string_view name) {
  const Json* value = find(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<std::int64_t> number_in(const Json& object, std::string_view name) {
  const Json* value = find(object, name);
  return value != nullptr && value->is_number_integer() ? std::optional(value->get<std::int64_t>())
                                                        : std::nullopt;
}

bool flag_in(const Json& object, std::string_view name) {
  const Json* value = find(object, name);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

const Json& list_in(const Json& object, std::string_view name) {
  static const Json none = Json::array();
  const Json* value = find(object, name);
  return value != nullptr && value->is_array() ? *value : none;
}

const Json& object_in(const Json& object, std::string_view name) {
  static const Json none = Json::object();
  const Json* value = find(object, name);
  return value != nullptr && value->is_object() ? *value : none;
}

}  // namespace liveswap::ctl
