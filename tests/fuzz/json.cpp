// JSON from strangers: whatever is taken is within the bounds, and comes out again as what it was.
#include "wire/json.hpp"

#include <nlohmann/json.hpp>

#include "require.hpp"
#include "wire/json_fields.hpp"

namespace {

using namespace liveswap::wire;

std::size_t depth_of(const Json& value) {
  std::size_t deepest = 0;
  if (value.is_structured()) {
    for (const Json& part : value) deepest = std::max(deepest, depth_of(part));
    ++deepest;
  }
  return deepest;
}

void read_as_everything(const Json& object) {
  for (const auto& [name, value] : object.items()) {
    JsonFields fields(object);
    const bool is_text = fields.text(name).has_value();
    const bool is_number = fields.integer(name, -100, 100).has_value();
    require(!is_text || value.is_string(), "what is no string is no text");
    require(!is_number || value.is_number(), "what is no number is no integer");
    (void)fields.flag(name);
    (void)fields.texts(name);
    (void)fields.map(name);
    require(value.is_null() || fields.bad().has_value(), "no member is of every type");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = parse_json({reinterpret_cast<const char*>(data), size});
  if (!value) {
    require(!value.error().reason.empty(), "a refusal has a reason");
    return 0;
  }
  require(depth_of(*value) <= kMaxJsonDepth, "what is taken is not too deep");
  const auto again = parse_json(dump_json(*value));
  require(again.has_value() && *again == *value, "what is written is read as it was");
  if (value->is_object()) read_as_everything(*value);
  return 0;
}
