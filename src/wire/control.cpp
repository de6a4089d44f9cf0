#include "wire/control.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace liveswap::wire::control {

namespace {

constexpr auto kCommands = std::to_array<Command>({
#define COMMAND(name, method, level, replies, arguments, help) \
  {name, #method, Level::level, Replies::replies, arguments, help},
#define LOCAL_COMMAND(name, arguments, help) {name, "", Level::none, Replies::one, arguments, help},
#define METHOD(...)
#include "wire/commands.def"
#undef COMMAND
#undef LOCAL_COMMAND
#undef METHOD
});

constexpr auto kOtherMethods = std::to_array<Command>({
#define COMMAND(...)
#define LOCAL_COMMAND(...)
#define METHOD(method, level, replies) {"", #method, Level::level, Replies::replies, "", ""},
#include "wire/commands.def"
#undef COMMAND
#undef LOCAL_COMMAND
#undef METHOD
});

static_assert(std::ranges::none_of(kCommands,
                                   [](const Command& command) {
                                     return (command.level == Level::none) != command.method.empty();
                                   }),
              "every method has a level");

struct ErrorRow {
  std::string_view name;
  int status;
};

constexpr auto kErrors = std::to_array<ErrorRow>({
#define CONTROL_ERROR(name, status, meaning) {#name, status},
#include "wire/control_errors.def"
#undef CONTROL_ERROR
});

const ErrorRow& row_of(Error error) { return kErrors[static_cast<std::size_t>(std::to_underlying(error))]; }

}  // namespace

std::string_view name_of(Level level) {
  static constexpr std::array<std::string_view, 4> names{"none", "observers", "operators", "admins"};
  return names[static_cast<std::size_t>(std::to_underlying(level))];
}

std::span<const Command> commands() { return kCommands; }

std::span<const Command> other_methods() { return kOtherMethods; }

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(kCommands, name, &Command::name);
  return found == kCommands.end() ? nullptr : &*found;
}

const Command* find_method(std::string_view method) {
  if (method.empty()) return nullptr;
  for (const auto table : {commands(), other_methods()}) {
    const auto found = std::ranges::find(table, method, &Command::method);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

std::string name_app_in(std::string text, std::string_view app) {
  constexpr std::string_view kProgram = "liveswapctl ";
  for (std::size_t at = text.find(kProgram); at != std::string::npos; at = text.find(kProgram, at)) {
    at += kProgram.size();
    const std::size_t end = std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at), text.size());
    const Command* command = find_command(std::string_view(text).substr(at, end - at));
    if (command != nullptr && command->arguments.starts_with("[APP"))
      text.insert(end, " " + std::string(app));
  }
  return text;
}

std::string_view name_of(Error error) { return row_of(error).name; }

std::string full_name_of(Error error) { return std::string(kInterface) + "." + std::string(name_of(error)); }

int status_of(Error error) { return row_of(error).status; }

std::optional<Error> find_error(std::string_view full_name) {
  if (!full_name.starts_with(kInterface)) return std::nullopt;
  full_name.remove_prefix(kInterface.size());
  if (!full_name.starts_with('.')) return std::nullopt;
  const auto found = std::ranges::find(kErrors, full_name.substr(1), &ErrorRow::name);
  if (found == kErrors.end()) return std::nullopt;
  return static_cast<Error>(found - kErrors.begin());
}

bool is_ticket(std::string_view text) {
  constexpr std::string_view kOthers = "._-";
  return text.size() >= kTicketLeast && text.size() <= kTicketMost && std::ranges::all_of(text, [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kOthers.find(c) != std::string_view::npos;
         });
}

std::string_view interface_description() {
  static constexpr std::string_view text =
#include "org.liveswap.Control.varlink.inc"
      ;
  return text;
}

std::string_view service_interface_description() {
  static constexpr std::string_view text =
#include "org.varlink.service.varlink.inc"
      ;
  return text;
}

}  // namespace liveswap::wire::control
