#include "wire/json.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

namespace liveswap::wire {

namespace {

// Looks at brackets, commas and colons outside of strings only: enough to bound what the parser will build.
// Text that is not JSON may pass; the parser refuses it.
class Bounds {
 public:
  std::optional<FormatError> exceeded_by(std::string_view text) {
    for (const char c : text) {
      if (in_string_) {
        step_in_string(c);
      } else if (const auto error = step(c)) {
        return error;
      }
    }
    return std::nullopt;
  }

 private:
  void step_in_string(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
  }

  std::optional<FormatError> step(char c) {
    switch (c) {
      case '"': in_string_ = true; break;
      case '[':
      case '{':
        if (++depth_ > kMaxJsonDepth) return FormatError{"nested too deeply"};
        members_[depth_ - 1] = 0;
        return count_value();
      case ']':
      case '}':
        if (depth_ > 0) --depth_;
        break;
      case ',': return count_value();
      case ':':
        if (depth_ > 0 && ++members_[depth_ - 1] > kMaxJsonMembers)
          return FormatError{"an object is too large"};
        break;
      default: break;
    }
    return std::nullopt;
  }

  std::optional<FormatError> count_value() {
    if (++values_ > kMaxJsonValues) return FormatError{"too many values"};
    return std::nullopt;
  }

  bool in_string_ = false;
  bool escaped_ = false;
  std::size_t depth_ = 0;
  std::size_t values_ = 0;
  std::array<std::size_t, kMaxJsonDepth> members_{};
};

}  // namespace

std::expected<Json, FormatError> parse_json(std::string_view text) {
  if (text.size() > kMaxJsonBytes) return std::unexpected(FormatError{"too long"});
  if (const auto error = Bounds{}.exceeded_by(text)) return std::unexpected(*error);
  Json value = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return std::unexpected(FormatError{"not JSON"});
  return value;
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace liveswap::wire
