#include "config/decode_path.hpp"

#include "config/address.hpp"
#include "config/paths.hpp"
#include "config/text.hpp"

namespace liveswap::config {

std::optional<std::string> take_path(Section& section, std::string_view key) {
  auto word = section.word(key);
  if (!word) return std::nullopt;
  if (word->text.empty()) section.error(key, "a path is needed");
  return absolute_path(word->text, section.context().folder);
}

void check_socket_path(Section& section, std::string_view key, const std::string& path) {
  if (path.size() <= kUnixPathMax) return;
  section.error(key, fmt::format("{} is too long for a socket: {} bytes, and the kernel takes {}", quoted(path),
                                 path.size(), kUnixPathMax));
}

std::optional<std::string> take_socket_path(Section& section, std::string_view key) {
  auto path = take_path(section, key);
  if (path) check_socket_path(section, key, *path);
  return path;
}

}  // namespace liveswap::config
