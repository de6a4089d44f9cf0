#include "ctl/master_completion.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "config/text.hpp"

namespace liveswap::ctl {

namespace {

struct MasterOption {
  std::string_view name;  // "" for none
  char letter;            // '\0' for none
  std::string_view value, help;

  [[nodiscard]] bool takes_file() const {
    return value == "FILE" || value == "PATH" || value == "TARGET" || value == "[TARGET]";
  }
  [[nodiscard]] bool may_be_alone() const { return value.starts_with('[') && value.ends_with(']'); }
  [[nodiscard]] std::vector<std::string> spellings() const {
    std::vector<std::string> words;
    if (letter != '\0') words.push_back(std::string("-") + letter);
    if (!name.empty()) words.push_back("--" + std::string(name));
    return words;
  }
};

constexpr auto kMasterOptions = std::to_array<MasterOption>({
#define OPTION(name, letter, value, times, forms, in_file, help) {name, letter, value, help},
#include "config/master_options.def"
#undef OPTION
#define ORDER(name, letter, value, alone, with_value, meaning, help) {name, letter, value, help},
#include "config/master_orders.def"
#undef ORDER
});

}  // namespace

std::string quotable(std::string_view text, std::string_view quote) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += quote;
    } else {
      out += c;
    }
  }
  return out;
}

std::string master_bash() {
  std::string cases;
  std::vector<std::string> words;
  for (const MasterOption& option : kMasterOptions) {
    const std::vector<std::string> spellings = option.spellings();
    words.insert(words.end(), spellings.begin(), spellings.end());
    if (option.value.empty()) continue;
    const std::string reply = option.takes_file() ? std::string(kBashFiles) : "return";
    cases += fmt::format("    {}) {}{} ;;\n", config::joined(spellings, "|"),
                         option.may_be_alone() ? "[[ $word == -* ]] || { " : "",
                         option.may_be_alone() ? reply + "; }" : reply);
  }
  return fmt::format(
      "_liveswap() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    [[ ${{COMP_WORDS[i]}} == -- ]] && {{ {}; }}\n"
      "  done\n"
      "  case $before in\n{}  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")\n"
      "}}\n"
      "complete -F _liveswap liveswap\n",
      kBashFiles, cases, config::joined(words, " "));
}

std::string master_zsh() {
  std::string out = "_liveswap() {\n  _arguments \\\n";
  for (const MasterOption& option : kMasterOptions) {
    std::string what;
    if (!option.value.empty()) {
      what = option.may_be_alone() ? "::" : ":";
      what += option.takes_file() ? "file:_files" : "value:";
    }
    for (const std::string& spelling : option.spellings()) {
      out += fmt::format("    '*{}[{}]{}' \\\n", spelling, quotable(option.help, "'\\''"), what);
    }
  }
  return out + "    '*:file:_files'\n}\n";
}

std::string master_fish() {
  std::string out = "complete -c liveswap -f\n";
  for (const MasterOption& option : kMasterOptions) {
    out += "complete -c liveswap";
    if (option.letter != '\0') out += fmt::format(" -s {}", option.letter);
    if (!option.name.empty()) out += fmt::format(" -l {}", option.name);
    if (option.takes_file()) {
      out += option.may_be_alone() ? " -F" : " -r -F";
    } else if (!option.value.empty()) {
      out += " -x";
    }
    out += fmt::format(" -d '{}'\n", quotable(option.help, "\\'"));
  }
  return out;
}

}  // namespace liveswap::ctl
