#include "ctl/completion.hpp"

#include <fmt/format.h>

#include <vector>

#include "config/text.hpp"
#include "ctl/arguments.hpp"
#include "ctl/master_completion.hpp"
#include "wire/control.hpp"

namespace liveswap::ctl {

namespace {

using wire::control::Command;
using wire::control::commands;

bool is_path(const Option& option) { return option.value == "PATH" || option.value == "FILE"; }

std::string joined(const std::vector<std::string>& words) { return config::joined(words, " "); }

// Options as typed: "-f --follow".
std::vector<std::string> spellings(const Option& option) {
  std::vector<std::string> words;
  if (option.letter != '\0') words.push_back(std::string("-") + option.letter);
  words.push_back("--" + std::string(option.name));
  return words;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

// The arguments that a command takes from a fixed set.
std::string_view fixed_arguments(const Command& command) {
  return command.name == "completion" ? "bash zsh fish" : "";
}

std::string bash_value_cases() {
  std::string out;
  for (const Option& option : all_options()) {
    if (option.value.empty() || !option.command.empty()) continue;
    const std::string words = config::joined(spellings(option), "|");
    out += fmt::format("    {}) {} ;;\n", words, is_path(option) ? kBashFiles : "return");
  }
  out += "  esac\n  case \"$command $before\" in\n";
  for (const Option& option : all_options()) {
    if (option.value.empty() || option.command.empty()) continue;
    for (const std::string& spelling : spellings(option)) {
      const auto choices = choices_of(option);
      std::string reply = is_path(option) ? std::string(kBashFiles) : "return";
      if (!choices.empty())
        reply = fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\"); return", joined(choices));
      out += fmt::format("    '{} {}') {} ;;\n", option.command, spelling, reply);
    }
  }
  return out;
}

std::string bash_script() {
  std::string out =
      "# bash completion for liveswapctl and liveswap, made by `liveswapctl completion bash`\n"
      "_liveswapctl() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' options='' i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${COMP_WORDS[i]} in\n"
      "      -n|--name|-c|--config|--control) i=$((i + 1)) ;;\n"
      "      -*) ;;\n"
      "      *) command=${COMP_WORDS[i]}; break ;;\n"
      "    esac\n"
      "  done\n"
      "  case $before in\n";
  out += bash_value_cases();
  out += "  esac\n  case $command in\n";
  for (const Command& command : commands()) {
    std::vector<std::string> words;
    for (const Option& option : options_of(command.name)) {
      for (std::string& spelling : spellings(option)) words.push_back(std::move(spelling));
    }
    out += fmt::format("    {}) options='{}'", command.name, joined(words));
    if (const auto fixed = fixed_arguments(command); !fixed.empty()) {
      out += fmt::format("; [[ $word == -* ]] || options='{}'", fixed);
    }
    out += " ;;\n";
  }
  std::vector<std::string> first;
  for (const Option& option : options_of("")) {
    for (std::string& spelling : spellings(option)) first.push_back(std::move(spelling));
  }
  out += fmt::format("    '') options='{} {}' ;;\n", joined(command_names()), joined(first));
  return out +
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
         "}\n"
         "complete -F _liveswapctl liveswapctl\n" +
         master_bash();
}

std::string zsh_option(const Option& option) {
  std::string what;
  if (is_path(option)) {
    what = ":path:_files";
  } else if (const auto choices = choices_of(option); !choices.empty()) {
    what = ":choice:(" + joined(choices) + ")";
  } else if (!option.value.empty()) {
    what = ":" + std::string(option.value) + ":";
  }
  std::string out;
  for (const std::string& spelling : spellings(option)) {
    const bool again = option.name == "env";
    out +=
        fmt::format("      '{}{}[{}]{}'\n", again ? "*" : "", spelling, quotable(option.help, "'\\''"), what);
  }
  return out;
}

std::string zsh_script() {
  std::string out =
      "#compdef liveswapctl liveswap\n"
      "# zsh completion for liveswapctl and liveswap, made by `liveswapctl completion zsh`\n"
      "_liveswapctl() {\n"
      "  if [[ $service == liveswap ]]; then _liveswap; return; fi\n"
      "  local -a commands options\n"
      "  commands=(\n";
  for (const Command& command : commands()) {
    out += fmt::format("    '{}:{}'\n", command.name, quotable(command.help, "'\\''"));
  }
  out +=
      "  )\n"
      "  local command i\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    case ${words[i]} in\n"
      "      -n|--name|-c|--config|--control) ((i++)) ;;\n"
      "      -*) ;;\n"
      "      *) command=${words[i]}; break ;;\n"
      "    esac\n"
      "  done\n"
      "  case $command in\n";
  for (const Command& command : commands()) {
    out += fmt::format("    {}) options=(\n", command.name);
    for (const Option& option : options_of(command.name)) out += zsh_option(option);
    const auto fixed = fixed_arguments(command);
    out += fmt::format("      '1:command:' '*:argument:{}'\n    ) ;;\n",
                       fixed.empty() ? "" : "(" + std::string(fixed) + ")");
  }
  out += "    *) options=(\n";
  for (const Option& option : options_of("")) out += zsh_option(option);
  return out +
         "      '1:command:{_describe command commands}'\n"
         "    ) ;;\n"
         "  esac\n"
         "  _arguments $options\n"
         "}\n" +
         master_zsh() +
         // Loaded by its name it is called to complete; sourced, it has to be made known.
         "if [[ $funcstack[1] == _liveswapctl ]]; then\n"
         "  _liveswapctl \"$@\"\n"
         "else\n"
         "  compdef _liveswapctl liveswapctl liveswap\n"
         "fi\n";
}

std::string fish_option(const Option& option) {
  std::string out = "complete -c liveswapctl";
  if (!option.command.empty()) out += fmt::format(" -n '__fish_seen_subcommand_from {}'", option.command);
  if (option.letter != '\0') out += fmt::format(" -s {}", option.letter);
  out += fmt::format(" -l {}", option.name);
  if (!option.value.empty()) {
    const auto choices = choices_of(option);
    out += is_path(option) ? " -r -F" : choices.empty() ? " -x" : fmt::format(" -x -a '{}'", joined(choices));
  }
  return out + fmt::format(" -d '{}'\n", quotable(option.help, "\\'"));
}

std::string fish_script() {
  std::string out =
      "# fish completion for liveswapctl and liveswap, made by `liveswapctl completion fish`\n"
      "complete -c liveswapctl -f\n";
  const std::string names = joined(command_names());
  for (const Command& command : commands()) {
    out += fmt::format("complete -c liveswapctl -n 'not __fish_seen_subcommand_from {}' -a {} -d '{}'\n",
                       names, command.name, quotable(command.help, "\\'"));
    if (const auto fixed = fixed_arguments(command); !fixed.empty()) {
      out += fmt::format("complete -c liveswapctl -n '__fish_seen_subcommand_from {}' -a '{}'\n",
                         command.name, fixed);
    }
  }
  for (const Option& option : all_options()) out += fish_option(option);
  return out + master_fish();
}

}  // namespace

std::optional<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  return std::nullopt;
}

}  // namespace liveswap::ctl
