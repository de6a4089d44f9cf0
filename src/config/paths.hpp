// Paths as texts: nothing here asks the file system.
#pragma once

#include <string>
#include <string_view>

namespace liveswap::config {

// `path` below `folder` unless it is absolute; without empty and `.` parts. `..` stays: only the kernel knows
// where it leads through symlinks.
std::string absolute_path(std::string_view path, std::string_view folder);

// What stands before the last slash; "." where there is none, "/" for a file in the root.
std::string folder_of(std::string_view path);

// The file's name without folder and without its last extension.
std::string stem_of(std::string_view path);

}  // namespace liveswap::config
