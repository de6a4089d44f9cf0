// The control interface as tables: commands, methods, levels, errors, and the interface's description. Both
// ends of the control socket read them from here; what the values mean is documented in liveswap-control(7).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace liveswap::wire::control {

inline constexpr std::string_view kInterface = "org.liveswap.Control";
inline constexpr std::string_view kServiceInterface = "org.varlink.service";

// What a peer may do. Each level includes those before it.
enum class Level { none, observers, operators, admins };
std::string_view name_of(Level);

enum class Replies { one, progress, follow };

struct Command {
  std::string_view name;      // as typed
  std::string_view method;    // "" for one that the client does alone
  Level level = Level::none;  // none only for those
  Replies replies = Replies::one;
  std::string_view arguments;  // "" for none
  std::string_view help;
};

std::span<const Command> commands();  // in the table's order
std::span<const Command> other_methods();  // that belong to no command: their name is ""
const Command* find_command(std::string_view name);
const Command* find_method(std::string_view method);  // without the interface's name

// Puts the app's name behind each command of a text that takes one: "liveswapctl upgrade" becomes
// "liveswapctl upgrade web".
std::string name_app_in(std::string text, std::string_view app);

enum class Error {
#define CONTROL_ERROR(name, status, meaning) name,
#include "wire/control_errors.def"
#undef CONTROL_ERROR
};
std::string_view name_of(Error);  // "Failed"
std::string full_name_of(Error);  // "org.liveswap.Control.Failed"
int status_of(Error);
std::optional<Error> find_error(std::string_view full_name);

// A ticket, by which a client may ask again what has become of a call: of random bits, so that no two are the same.
inline constexpr std::size_t kTicketLeast = 16;
inline constexpr std::size_t kTicketMost = 64;
[[nodiscard]] bool is_ticket(std::string_view text);
// How long a master remembers what it has answered, and how long a client may have been away that says it again: after
// that the master may have forgotten that it was done.
inline constexpr auto kTicketRemembered = std::chrono::minutes(10);
inline constexpr auto kTicketSaidAgain = std::chrono::minutes(5);
static_assert(kTicketSaidAgain < kTicketRemembered);

// The descriptions that org.varlink.service.GetInterfaceDescription gives.
std::string_view interface_description();
std::string_view service_interface_description();

}  // namespace liveswap::wire::control
