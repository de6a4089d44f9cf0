#include "os/reach.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace liveswap::os {
namespace {

// Of the three sets of bits the first that fits counts, as in path_resolution(7).
bool may_search(const struct stat& directory, uid_t uid, std::span<const gid_t> groups) {
  if (directory.st_uid == uid) return (directory.st_mode & S_IXUSR) != 0;
  const bool member = std::ranges::find(groups, directory.st_gid) != groups.end();
  return (directory.st_mode & (member ? S_IXGRP : S_IXOTH)) != 0;
}

bool may_search_each(const std::string& path, uid_t uid, std::span<const gid_t> groups) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    struct stat directory {};
    if (::stat(path.substr(0, end).c_str(), &directory) == -1) return false;
    if (!may_search(directory, uid, groups)) return false;
  }
  struct stat root {};
  return ::stat("/", &root) == 0 && may_search(root, uid, groups);
}

}  // namespace

// The path as it is written has the directories in which its symlinks lie, the resolved one those behind them.
bool can_search(const std::string& path, uid_t uid, std::span<const gid_t> groups) {
  if (uid == 0) return true;
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  return resolved && may_search_each(path, uid, groups) && may_search_each(resolved.get(), uid, groups);
}

}  // namespace liveswap::os
