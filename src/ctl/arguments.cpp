#include "ctl/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/text.hpp"

namespace liveswap::ctl {

namespace {

using wire::control::Command;

constexpr auto kOptions = std::to_array<Option>({
#define OPTION(command, name, letter, value, help) {command, name, letter, value, help},
#include "ctl/options.def"
#undef OPTION
});

bool is_number(std::string_view word) {
  return word.size() > 1 && std::ranges::all_of(word.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_option(std::string_view word) { return word.size() > 1 && word.front() == '-' && !is_number(word); }

// Only --env may be given more than once.
bool may_repeat(const Option& option) { return option.name == "env"; }

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& words) : words_(words) { find_command(); }

  std::expected<Arguments, UsageError> parse() {
    if (!problem_.empty()) return failure();
    while (next_ < words_.size() && problem_.empty()) take(words_[next_++]);
    if (!problem_.empty()) return failure();
    return std::move(out_);
  }

 private:
  std::unexpected<UsageError> failure() const {
    return std::unexpected(
        UsageError{problem_, out_.command != nullptr ? out_.command->name : std::string_view{}});
  }

  // Which command it is decides which options there are, so it is looked for first.
  void find_command() {
    for (std::size_t i = 0; i < words_.size() && words_[i] != "--"; ++i) {
      if (!is_option(words_[i])) {
        command_at_ = i;
        out_.command = wire::control::find_command(words_[i]);
        if (out_.command == nullptr) problem_ = unknown_command(words_[i]);
        return;
      }
      const Option* option = find_option(words_[i]);
      if (option != nullptr && !option->value.empty() && takes_next_word(words_[i])) ++i;
    }
  }

  static std::string unknown_command(const std::string& word) {
    std::vector<std::string> names;
    for (const Command& command : wire::control::commands()) names.emplace_back(command.name);
    return fmt::format("unknown command {}{}", config::quoted(word), config::did_you_mean(word, names));
  }

  // Its value is in the next word, not in this one.
  static bool takes_next_word(std::string_view word) {
    return word.starts_with("--") ? word.find('=') == std::string_view::npos : word.size() == 2;
  }

  [[nodiscard]] const Option* find_option(std::string_view word) const {
    const std::string_view command = out_.command != nullptr ? out_.command->name : std::string_view{};
    const auto found = std::ranges::find_if(kOptions, [&](const Option& option) {
      if (!option.command.empty() && option.command != command) return false;
      if (word.starts_with("--")) return word.substr(2, word.find('=') - 2) == option.name;
      return option.letter != '\0' && word[1] == option.letter;
    });
    return found == kOptions.end() ? nullptr : &*found;
  }

  void take(const std::string& word) {
    if (word == "--") {
      take_rest();
    } else if (word == "--version" || word == "-v") {
      out_.version = true;
    } else if (is_option(word)) {
      take_option(word);
    } else if (next_ - 1 != command_at_) {
      out_.words.push_back(word);
    }
  }

  // What follows `--` is no option, whatever it begins with.
  void take_rest() {
    const auto rest = words_.begin() + static_cast<std::ptrdiff_t>(next_);
    if (out_.command != nullptr && out_.command->name == "upgrade") {
      out_.program.emplace(rest, words_.end());
    } else {
      out_.words.insert(out_.words.end(), rest, words_.end());
    }
    next_ = words_.size();
  }

  void take_option(const std::string& word) {
    const Option* option = find_option(word);
    if (option == nullptr) {
      problem_ = unknown_option(word);
      return;
    }
    const auto value = value_of(*option, word);
    if (!value) return;
    auto& values = out_.options[std::string(option->name)];
    if (!values.empty() && !option->value.empty() && !may_repeat(*option)) {
      problem_ = fmt::format("--{} is given twice", option->name);
    } else if (const auto choices = choices_of(*option);
               !choices.empty() && !std::ranges::count(choices, *value)) {
      problem_ = fmt::format("--{} is {}, not one of: {}", option->name, config::quoted(*value),
                             config::joined(choices));
    } else {
      values.push_back(*value);
    }
  }

  std::optional<std::string> value_of(const Option& option, const std::string& word) {
    const bool is_long = word.starts_with("--");
    const bool attached = !takes_next_word(word);
    if (option.value.empty()) {
      if (attached)
        problem_ = fmt::format("{} takes no value", is_long ? "--" + std::string(option.name) : word);
      return attached ? std::nullopt : std::optional<std::string>("");
    }
    if (attached) return is_long ? word.substr(word.find('=') + 1) : word.substr(2);
    if (next_ < words_.size() && words_[next_] != "--") return words_[next_++];
    problem_ = fmt::format("{} needs a value: {}", word, option.value);
    return std::nullopt;
  }

  [[nodiscard]] std::string unknown_option(const std::string& word) const {
    const std::string_view command = out_.command != nullptr ? out_.command->name : std::string_view{};
    std::vector<std::string> names{"--version"};
    for (const Option& option : options_of(command)) names.push_back("--" + std::string(option.name));
    const std::string name = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
    return fmt::format("unknown option {}{}{}", config::quoted(name), command.empty() ? "" : " of ",
                       command) +
           (word.starts_with("--") ? config::did_you_mean(name, names) : "");
  }

  const std::vector<std::string>& words_;
  Arguments out_;
  std::size_t next_ = 0;
  std::size_t command_at_ = std::string::npos;
  std::string problem_;
};

}  // namespace

std::span<const Option> all_options() { return kOptions; }

std::vector<Option> options_of(std::string_view command) {
  std::vector<Option> options;
  for (const std::string_view whose : {command, std::string_view{}}) {
    for (const Option& option : kOptions) {
      if (option.command == whose) options.push_back(option);
    }
    if (command.empty()) break;
  }
  return options;
}

std::vector<std::string> choices_of(const Option& option) {
  std::vector<std::string> choices;
  if (option.value.find('|') == std::string_view::npos) return choices;
  for (std::size_t at = 0; at <= option.value.size();) {
    const std::size_t end = std::min(option.value.find('|', at), option.value.size());
    choices.emplace_back(option.value.substr(at, end - at));
    at = end + 1;
  }
  return choices;
}

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() ? std::nullopt : std::optional(found->second.back());
}

std::expected<Arguments, UsageError> parse_arguments(const std::vector<std::string>& words) {
  auto arguments = Parser(words).parse();
  if (!arguments || arguments->version || arguments->has("help")) return arguments;
  if (arguments->command == nullptr) return std::unexpected(UsageError{"a command is needed", ""});
  return arguments;
}

bool asks_for_json(const std::vector<std::string>& words) {
  const auto end = std::ranges::find(words, "--");
  return std::find(words.begin(), end, "--json") != end;
}

}  // namespace liveswap::ctl
