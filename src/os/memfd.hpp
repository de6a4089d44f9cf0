// Sealed memory files: bytes handed to another process that nobody, not even the sender, can change any more.
// The launch plan travels in one, because argv and environment can be longer than a packet.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

// A new memory file with these bytes, sealed against writing, growing, shrinking and further seals. The name
// is only for people who look at /proc/PID/fd.
[[nodiscard]] Result<OwnedFd> make_sealed_memfd(const char* name, std::span<const std::byte> content);

// A new memory file, empty and not sealed: for bytes that two processes share.
[[nodiscard]] Result<OwnedFd> make_memfd(const char* name);

// As sealed, to be read from its beginning: as a process's standard input.
[[nodiscard]] Result<OwnedFd> make_input_memfd(const char* name, std::string_view content);

// All bytes of a sealed memory file; borrows the descriptor and leaves its offset alone. Anything else than
// a fully sealed memory file (it could change between check and use) or more than max_size bytes is an error.
[[nodiscard]] Result<std::vector<std::byte>> read_sealed_memfd(FdRef fd, std::size_t max_size);

}  // namespace liveswap::os
