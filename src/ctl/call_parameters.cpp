#include "ctl/call_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "config/paths.hpp"
#include "config/scalars.hpp"
#include "config/text.hpp"
#include "config/utf8.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;

std::optional<std::int64_t> number_in(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "g8" with 'g'.
std::optional<std::int64_t> numbered(std::string_view text, char letter) {
  if (!text.starts_with(letter) || text.size() < 2 || text[1] < '0' || text[1] > '9') return std::nullopt;
  return number_in(text.substr(1));
}

// Builds the parameters from options and words; the first mistake is kept.
class Builder {
 public:
  Builder(const Arguments& arguments, std::string_view folder) : given_(arguments), folder_(folder) {}

  Built finish() {
    if (problem_.empty() && next_ < given_.words.size()) {
      problem_ = "unexpected argument " + config::quoted(given_.words[next_]);
    }
    if (!problem_.empty()) return std::unexpected(problem_);
    return std::move(out_);
  }

  [[nodiscard]] std::size_t left() const { return given_.words.size() - next_; }
  [[nodiscard]] std::string_view peek() const { return given_.words[next_]; }

  void app() {
    if (left() > 0) out_["app"] = given_.words[next_++];
  }
  // The app where there is a word besides the `others` that follow it.
  void app_before(std::size_t others) {
    if (left() > others) app();
  }
  void word(std::string_view member, std::string_view what) {
    if (left() == 0) return refuse(fmt::format("{} is needed", what));
    out_[std::string(member)] = given_.words[next_++];
  }
  // A last word like g8, which is not the app's name.
  void last_numbered(std::string_view member, char letter) {
    if (left() == 0) return;
    const auto number = numbered(given_.words.back(), letter);
    if (left() > 1) app();
    if (left() != 1) return;
    if (number) {
      out_[std::string(member)] = *number;
      ++next_;
    } else if (!out_.contains("app")) {
      app();
    }
  }

  void flag(std::string_view option, std::string_view member = {}) {
    if (given_.has(option)) out_[std::string(member.empty() ? option : member)] = true;
  }
  void one_of(std::string_view a, std::string_view b) {
    if (given_.has(a) == given_.has(b)) refuse(fmt::format("give either --{} or --{}", a, b));
  }
  void needed(std::string_view option) {
    if (!given_.has(option)) refuse(fmt::format("--{} is needed", option));
  }
  void path(std::string_view option) {
    if (const auto given = given_.value(option)) out_[std::string(option)] = config::absolute_path(*given, folder_);
  }

  void text(std::string_view option) {
    if (const auto value = given_.value(option)) out_[std::string(option)] = *value;
  }
  void number(std::string_view option, std::string_view member, std::int64_t most) {
    const auto value = given_.value(option);
    if (!value) return;
    const auto parsed = number_in(*value);
    if (!parsed || *parsed < 0 || *parsed > most || value->starts_with('+')) {
      return refuse(
          fmt::format("--{} is {}, not a number from 0 to {}", option, config::quoted(*value), most));
    }
    out_[std::string(member)] = *parsed;
  }
  void duration(std::string_view option, std::string_view member) {
    const auto value = given_.value(option);
    if (!value) return;
    const auto parsed = config::parse_duration(*value);
    if (!parsed) return refuse(fmt::format("--{}: {}", option, parsed.error()));
    if (*parsed == core::kForever) return;
    out_[std::string(member)] = std::chrono::ceil<std::chrono::milliseconds>(*parsed).count();
  }
  void wait_level(std::string_view option) {
    if (const auto value = given_.value(option)) out_["wait"] = *value;
  }

  void release() {
    path("target");
    text("label");
    environment();
    if (given_.program) command(*given_.program);
  }

  void scale() {
    const bool reset = given_.has("reset");
    app_before(reset ? 0 : 1);
    if (reset) {
      out_["reset"] = true;
      return;
    }
    if (left() == 0) return refuse("how many workers? N, +N, -N, auto or --reset");
    const std::string_view how = given_.words[next_++];
    const auto count = number_in(how);
    if (how == "auto") {
      out_["automatic"] = true;
    } else if (count && std::abs(*count) <= std::numeric_limits<std::int32_t>::max()) {
      out_[how.front() == '+' || how.front() == '-' ? "by" : "workers"] = *count;
    } else {
      refuse(fmt::format("{} is not a number of workers: N, +N, -N, auto or --reset", config::quoted(how)));
    }
  }

  void refuse(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

 private:
  void environment() {
    const auto found = given_.options.find("env");
    if (found == given_.options.end()) return;
    Json variables = Json::object();
    for (const std::string& each : found->second) {
      const std::size_t equals = each.find('=');
      const std::string name = each.substr(0, equals);
      if (equals == std::string::npos || !config::is_variable_name(name)) {
        return refuse(fmt::format("--env is {}, not NAME=VALUE", config::quoted(each)));
      }
      variables[name] = each.substr(equals + 1);
    }
    out_["environment"] = std::move(variables);
  }

  void command(std::vector<std::string> words) {
    if (words.empty() || words.front().empty()) return refuse("a COMMAND is needed after --");
    // A path is the client's; a bare name is looked for in the app's PATH.
    if (words.front().find('/') != std::string::npos && !words.front().starts_with("${")) {
      words.front() = config::absolute_path(words.front(), folder_);
    }
    out_["command"] = std::move(words);
  }

  const Arguments& given_;
  std::string_view folder_;
  std::size_t next_ = 0;
  Json out_ = Json::object();
  std::string problem_;
};

void build(Builder& call, std::string_view command) {
  if (command == "status" || command == "connections" || command == "is-ready" || command == "events" ||
      command == "logs") {
    call.app();
  }
  if (command == "upgrade" || command == "abort" || command == "restart" || command == "start" ||
      command == "stop") {
    call.app();
    call.flag("all");
  }
  if (command == "adopt") {
    call.app();
    call.number("pid", "pid", std::numeric_limits<std::int32_t>::max());
    call.needed("pid");
  }
  if (command == "reexec") call.path("binary");
  if (command == "upgrade") {
    call.release();
    call.flag("if-changed", "if_changed");
  }
  if (command == "wait") {
    call.app();
    call.wait_level("for");
  }
  if (command == "scale") call.scale();
  if (command == "restart") call.number("slot", "slot", std::numeric_limits<std::int32_t>::max());
  if (command == "drain") {
    call.last_numbered("generation", 'g');
    call.duration("extend", "extend_ms");
    call.one_of("now", "extend");
  }
  if (command == "history") call.last_numbered("release", 'r');
  if (command == "pause" || command == "resume") call.word("listener", "the name of a listener");
  if (command == "signal") {
    call.app_before(1);
    call.word("signal", "a signal");
  }
  if (command == "message") {
    call.app_before(1);
    call.word("text", "a message");
  }
  if (command == "logs") call.number("tail", "last", 100'000);
  if (command != "wait") call.wait_level("wait");
  call.duration("timeout", "timeout_ms");
  call.flag("now");
  call.flag("follow");
}

// JSON carries UTF-8 only; anything else would reach the master as something else.
std::optional<std::string> not_utf8(const Arguments& arguments) {
  const auto check = [](const std::vector<std::string>& words) -> std::optional<std::string> {
    const auto bad = std::ranges::find_if(
        words, [](const std::string& word) { return config::find_invalid_utf8(word).has_value(); });
    return bad == words.end() ? std::nullopt : std::optional(config::quoted(*bad) + " is not valid UTF-8");
  };
  if (auto bad = check(arguments.words)) return bad;
  if (arguments.program) {
    if (auto bad = check(*arguments.program)) return bad;
  }
  for (const auto& [name, values] : arguments.options) {
    if (auto bad = check(values)) return bad;
  }
  return std::nullopt;
}

}  // namespace

Built parameters_of(const Arguments& arguments, std::string_view folder) {
  if (auto bad = not_utf8(arguments)) return std::unexpected(*bad);
  Builder call(arguments, folder);
  build(call, arguments.command->name);
  return call.finish();
}

}  // namespace liveswap::ctl
