#include "ctl/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ctl/completion.hpp"
#include "ctl/help.hpp"

namespace liveswap::ctl {

namespace {

struct Runner {
  std::string_view method;
  int (*run)(Session&);
};

constexpr auto kRunners = std::to_array<Runner>({
#define COMMAND(name, Method, ...) {#Method, run_##Method},
#define LOCAL_COMMAND(...)
#define METHOD(...)
#include "wire/commands.def"
#undef COMMAND
#undef LOCAL_COMMAND
#undef METHOD
});

int refuse_usage(const UsageError& error, const Output& output) {
  const std::string help =
      error.command.empty() ? "liveswapctl --help" : fmt::format("liveswapctl {} --help", error.command);
  Ending ending{.status = kStatusUsage, .result = "bad_usage", .reason = "bad_argument", .text = error.text};
  ending.next = help;
  return output.end(ending, error.command, "");
}

int print_completion(const Arguments& arguments, const Output& output) {
  const auto script = arguments.words.size() == 1 ? completion_script(arguments.words.front()) : std::nullopt;
  if (!script)
    return refuse_usage({"completion needs the name of a shell: bash, zsh or fish", "completion"}, output);
  output.text(*script);
  return kStatusDone;
}

Wanted wanted_of(const Arguments& arguments, const Wanted& environment) {
  Wanted wanted = environment;
  wanted.control = arguments.value("control");
  wanted.file = arguments.value("config");
  wanted.name = arguments.value("name");
  return wanted;
}

}  // namespace

int run(const std::vector<std::string>& words, const World& world) {
  Output output(world.terminal, asks_for_json(words), world.out, world.err);
  const auto arguments = parse_arguments(words);
  if (!arguments) return refuse_usage(arguments.error(), output);
  if (arguments->version) {
    output.text(fmt::format("liveswapctl {}\n", kVersion));
    return kStatusDone;
  }
  if (arguments->has("help")) {
    output.text(arguments->command != nullptr ? command_help(*arguments->command) : program_help());
    return kStatusDone;
  }
  if (arguments->command->method.empty()) return print_completion(*arguments, output);
  Session session(*arguments, output, wanted_of(*arguments, world.environment), world.surroundings);
  return std::ranges::find(kRunners, arguments->command->method, &Runner::method)->run(session);
}

}  // namespace liveswap::ctl
