// A file of text, read as a whole.
#pragma once

#include <expected>
#include <string>

namespace liveswap::config {

// A regular file of at most kFileBytesMax; the error completes a sentence that begins with its name.
std::expected<std::string, std::string> read_text_file(const std::string& path);

}  // namespace liveswap::config
