#include "master/control_link.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "config/directories.hpp"
#include "config/paths.hpp"
#include "os/unix_probe.hpp"

namespace liveswap::master {

namespace {

bool is_link(const std::string& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 && S_ISLNK(about.st_mode);
}

// However they are spelt.
bool is_in(const std::string& path, const std::string& folder) {
  struct stat of_path {};
  struct stat of_folder {};
  return ::stat(config::folder_of(path).c_str(), &of_path) == 0 && ::stat(folder.c_str(), &of_folder) == 0 &&
         of_path.st_dev == of_folder.st_dev && of_path.st_ino == of_folder.st_ino;
}

}  // namespace

os::Result<ControlLink> ControlLink::make(const std::string& runtime_dir, const std::string& control_socket) {
  std::string path = runtime_dir + "/" + std::string(config::kControlSocketName);
  if (is_link(path) && ::unlink(path.c_str()) != 0) return os::fail("unlink", path);
  const bool is_default = control_socket.ends_with("/" + std::string(config::kControlSocketName));
  if (is_default && is_in(control_socket, runtime_dir)) return ControlLink();
  const auto state = os::probe_unix(path);
  if (!state) return std::unexpected(state.error());
  if (*state == os::UnixPath::in_use) return ControlLink();
  if (*state == os::UnixPath::stale && ::unlink(path.c_str()) != 0) return os::fail("unlink", path);
  if (::symlink(control_socket.c_str(), path.c_str()) != 0) return os::fail("symlink", path);
  return ControlLink(std::move(path));
}

ControlLink::~ControlLink() {
  if (!path_.empty() && is_link(path_)) ::unlink(path_.c_str());
}

}  // namespace liveswap::master
