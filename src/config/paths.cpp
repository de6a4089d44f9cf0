#include "config/paths.hpp"

namespace liveswap::config {

std::string absolute_path(std::string_view path, std::string_view folder) {
  std::string whole =
      path.starts_with('/') ? std::string(path) : std::string(folder) + '/' + std::string(path);
  std::string_view rest = whole;
  std::string out;
  while (!rest.empty()) {
    auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(part.size() + (part.size() < rest.size() ? 1 : 0));
    if (part.empty() || part == ".") continue;
    out += '/';
    out += part;
  }
  return out.empty() ? "/" : out;
}

std::string folder_of(std::string_view path) {
  auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string stem_of(std::string_view path) {
  auto name = path.substr(path.rfind('/') + 1);
  auto dot = name.rfind('.');
  return std::string(dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot));
}

}  // namespace liveswap::config
