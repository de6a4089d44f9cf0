// Small files and directories read or written in one go: /proc, cgroup files, lock files, standard output.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

// The whole content, whatever size the file claims (those of /proc claim 0); more than max_size is an error. Never
// waits: a named pipe is refused.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t max_size);
[[nodiscard]] Result<std::string> read_open_file(FdRef fd, std::string_view name, std::size_t max_size);

// One write, as the kernel's own files want it; the file must exist.
[[nodiscard]] Result<void> write_existing_file(const std::string& path, std::string_view content);

// The whole of it, in as many writes as that takes; waits where the descriptor is non-blocking, too.
[[nodiscard]] Result<void> write_all(FdRef fd, std::string_view name, std::string_view content);

// The names in a directory without "." and "..", in no order.
[[nodiscard]] Result<std::vector<std::string>> list_directory(const std::string& path);

// Where a symbolic link points.
[[nodiscard]] Result<std::string> read_link(const std::string& path);

}  // namespace liveswap::os
