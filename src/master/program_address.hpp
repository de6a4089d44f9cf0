// What a program that binds by itself asks for, as an address of a listener.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/plan.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// `bytes`: the sockaddr as the program has it; `socket`: that it wants to bind; `thread`: that calls, whose directory a
// relative path is below. None: what no listener can be, which is the program's own affair: a port of the kernel's
// choice, a socket of another kind, one that is bound to an interface, an abstract name, a path in another root.
[[nodiscard]] std::optional<core::Address> program_address(std::span<const std::byte> bytes, os::FdRef socket,
                                                           pid_t thread);

// A path of the thread's, absolute; `directory`: a descriptor of its process that it is below, or AT_FDCWD. None where
// it is in another root.
[[nodiscard]] std::optional<std::string> absolute_path_of(pid_t thread, int directory, std::string_view path);

// A datagram socket at such a port is, as a rule, a client's.
[[nodiscard]] bool is_ephemeral(std::uint16_t port);

}  // namespace liveswap::master
