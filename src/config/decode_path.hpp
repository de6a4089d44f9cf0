// Keys whose value is a path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/decoder.hpp"

namespace liveswap::config {

// Absolute, below the file's folder unless it was so already.
std::optional<std::string> take_path(Section& section, std::string_view key);

// A socket's path must fit the kernel's limit; so must that of a socket below a directory that `key` names.
void check_socket_path(Section& section, std::string_view key, const std::string& path);

// Both.
std::optional<std::string> take_socket_path(Section& section, std::string_view key);

}  // namespace liveswap::config
