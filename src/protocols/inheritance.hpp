// `inherit_as`: a server that replaces itself by executing its successor is told, in its own way, what its older self
// would have left it, and so takes the sockets unmodified. One place for all of them: most read a variable, two read
// the names of the sockets from a pipe and say on another that they are ready. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/choices.hpp"
#include "protocols/environment.hpp"

namespace liveswap::protocols {

// The variables that name sockets and parent; those that number pipes come with the pipes.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> inherited_variables(core::InheritAs inherit_as,
                                                                                   const LaunchFacts& facts);

// What a server that reads names from a pipe is given there, and how it says that it is ready.
struct InheritancePipes {
  std::string names;
  std::string_view ready;        // the bytes that say so
  bool names_stay_open = false;  // for as long as the older self lives, which is the master's life
  int names_number = -1;         // in the worker; -1: any, told by the variable
  int ready_number = -1;
  const char* sentinel = nullptr;  // a variable that is "yes"
  const char* names_variable = nullptr;
  const char* ready_variable = nullptr;
};

// None: it has no pipes.
[[nodiscard]] std::optional<InheritancePipes> inheritance_pipes(core::InheritAs inherit_as,
                                                                std::span<const HandedSocket> sockets);

}  // namespace liveswap::protocols
