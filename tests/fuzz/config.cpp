// A configuration file. Whatever it holds, it is a plan that keeps its promises, or errors that are one clean
// line each and stand in the file's order.
#include <algorithm>
#include <string>

#include "config/address.hpp"
#include "config/describe.hpp"
#include "config/differences.hpp"
#include "config/expand.hpp"
#include "config/load.hpp"
#include "config/scalars.hpp"
#include "require.hpp"

namespace {

using namespace liveswap;
using namespace liveswap::config;

Facts facts() {
  Facts some;
  some.uid = 0;
  some.find_user = [](const std::string& name) -> std::optional<User> {
    return name == "www" ? std::optional(User{33, 33, name}) : std::nullopt;
  };
  some.find_group = [](const std::string& name) -> std::optional<std::uint32_t> {
    return name == "www" ? std::optional(33U) : std::nullopt;
  };
  some.kind_of = [](const std::string& path) {
    return path.size() % 2 == 0 ? PathKind::directory : PathKind::missing;
  };
  return some;
}

bool is_one_clean_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

void check_diagnostics(const std::vector<Diagnostic>& diagnostics, std::string_view text) {
  const auto lines = std::ranges::count(text, '\n') + 1;
  Position last{};
  require(diagnostics.size() <= kDiagnosticsMax + 1, "a bounded number is told");
  for (const auto& diagnostic : diagnostics) {
    require(is_one_clean_line(diagnostic.message), "a message is one clean line");
    require(diagnostic.at.line <= lines, "a place is in the file");
    if (diagnostic.at.line == 0) continue;
    require(diagnostic.at.line > last.line ||
                (diagnostic.at.line == last.line && diagnostic.at.column >= last.column),
            "the file's order is kept");
    last = diagnostic.at;
    require(diagnostic.excerpt.size() < 2000, "an excerpt is short");
    require(std::ranges::count(diagnostic.excerpt, '\n') <= 2, "an excerpt is a line and its caret");
  }
}

void check_app(const core::AppPlan& app, const core::MasterPlan& plan) {
  require(is_name(app.name), "an app has a name");
  require(!app.command.empty() || app.target, "an app has something to run");
  require(app.policy.workers >= 1 && app.policy.workers <= kWorkersMax, "the number of workers is bounded");
  require(app.policy.max_surge.value + app.policy.max_unavailable.value > 0, "a worker can be replaced");
  require(app.cwd.starts_with('/') || app.cwd.starts_with("${"), "cwd is absolute");
  for (const auto& name : app.listeners) {
    require(std::ranges::any_of(plan.listeners, [&](const auto& listener) { return listener.name == name; }),
            "a listener that is listed is there");
  }
  for (const auto& word : app.command) require(parse_template(word).has_value(), "each word is a template");
  for (const auto& [name, value] : app.env) require(parse_template(value).has_value(), "each value is one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto loaded = load_text("web.yaml", text, facts());
  if (!loaded) {
    require(!loaded.error().empty(), "what is refused has a reason");
    check_diagnostics(loaded.error(), text);
    return 0;
  }
  check_diagnostics(loaded->warnings, text);
  const auto& plan = loaded->plan;
  require(is_name(plan.name), "a master has a name");
  require(!plan.apps.empty(), "there is something to run");
  for (const auto& listener : plan.listeners) {
    require(is_name(listener.name), "a listener has a name");
    require(!listener.addresses.empty(), "a listener has an address");
  }
  for (const auto& app : plan.apps) check_app(app, plan);
  require(!describe(plan, facts()).empty(), "a plan can be described");
  require(compare(plan, plan, {}) == Differences{}, "a plan is like itself");
  return 0;
}
