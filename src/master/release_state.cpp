#include "master/release_state.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

namespace liveswap::master {
namespace {

// Whether it is the directory that was pinned.
bool is_pinned(os::FdRef directory, const FileDigest& pinned) {
  struct stat info {};
  return ::fstat(directory.get(), &info) == 0 && info.st_dev == pinned.device && info.st_ino == pinned.inode;
}

}  // namespace

std::shared_ptr<const Release> restore_release(ReleaseValues values, os::OwnedFd directory, std::string& problem) {
  auto release = std::make_shared<Release>();
  static_cast<ReleaseValues&>(*release) = std::move(values);
  release->protocol = protocols::make_protocol(release->plan.protocol);
  std::string why;
  if (!directory) {
    directory = os::OwnedFd{os::adopt, ::open(release->directory_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) why = "cannot be opened again: " + os::errno_text(errno);
  }
  if (directory && !is_pinned(directory, release->digest.directory)) why = "is another one by now";
  if (why.empty()) {
    release->directory = std::move(directory);
  } else {
    problem = fmt::format("{}: nothing more can be started of r{}: its directory {} {}", release->plan.name,
                          release->id.value, release->directory_path, why);
  }
  return release;
}

}  // namespace liveswap::master
