// A file of text, read as a whole, and the beginning of any file.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace liveswap::config {

// A regular file of at most kFileBytesMax; the error completes a sentence that begins with its name.
std::expected<std::string, std::string> read_text_file(const std::string& path);

// Its first `max_size` bytes, or fewer where it is shorter.
std::expected<std::string, std::string> read_file_head(const std::string& path, std::size_t max_size);

}  // namespace liveswap::config
