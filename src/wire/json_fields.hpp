// Reading the members of a JSON object strictly: every member has to be asked for by its name and be of the
// type asked for. The first one that is not is remembered, and bad() names it once all have been asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/json.hpp"

namespace liveswap::wire {

// A member that is null counts as absent. Strings with a NUL inside are refused, since paths, arguments and
// names end there. Borrows the object.
class JsonFields {
 public:
  explicit JsonFields(const Json& object) : object_(object) {}

  std::optional<std::string> text(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  bool flag(std::string_view name);  // absent: false
  std::vector<std::string> texts(std::string_view name);
  std::vector<std::pair<std::string, std::string>> map(std::string_view name);

  // For what only the caller can judge.
  void refuse(std::string_view name);

  // The first member that was refused, or that nobody asked for.
  [[nodiscard]] std::optional<std::string> bad() const;

 private:
  const Json* find(std::string_view name);

  const Json& object_;
  std::vector<std::string_view> asked_;
  std::optional<std::string> refused_;
};

}  // namespace liveswap::wire
