#include "master/listener_path.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "os/sockaddr.hpp"
#include "os/socket.hpp"
#include "os/unix_probe.hpp"

namespace liveswap::master {
namespace {

const os::FileIdentity* pointer_to(const std::optional<os::FileIdentity>& identity) {
  return identity ? &*identity : nullptr;
}

// Somebody else may be replacing the same stale file at the same time; one of us gets it.
constexpr int kBindAttempts = 3;

// A name beside `path` for something that must not be found by clients.
std::string aside(const std::string& path, const char* why) {
  return fmt::format("{}.{}-{}", path, why, ::getpid());
}

os::Result<os::OwnedFd> open_path(const std::string& path) {
  os::OwnedFd file{os::adopt, ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) return os::fail("open", path);
  return file;
}

os::Result<struct stat> stat_of(const os::OwnedFd& file, const std::string& path) {
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return os::fail("fstat", path);
  return found;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Whether a socket is bound to that very file, which the path may not lead to any more.
os::Result<bool> in_use(const os::OwnedFd& file, const std::string& path) {
  const auto found = os::probe_unix(fmt::format("/proc/self/fd/{}", file.get()));
  if (found) return *found == os::UnixPath::in_use;
  return os::fail_with(found.error().code, fmt::format("connect({})", path));
}

// The stale file is moved away first and looked at again there: what another process put in its place in
// between is put back, not removed.
os::Result<void> remove_stale(const std::string& path, const struct stat& stale) {
  const std::string away = aside(path, "stale");
  if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, away.c_str(), RENAME_NOREPLACE) != 0) {
    return os::fail("rename", path);
  }
  struct stat moved {};
  if (::lstat(away.c_str(), &moved) == 0 && !same_file(stale, moved)) {
    if (::renameat2(AT_FDCWD, away.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
      return os::fail("rename", away);
    }
    return {};
  }
  if (::unlink(away.c_str()) != 0) return os::fail("unlink", away);
  return {};
}

// Makes room for bind() at a path where something is.
os::Result<void> clear(const std::string& path) {
  const auto file = open_path(path);
  if (!file) {
    if (file.error().code == ENOENT) return {};
    return std::unexpected(file.error());
  }
  const auto found = stat_of(*file, path);
  if (!found) return std::unexpected(found.error());
  if (!S_ISSOCK(found->st_mode)) {
    return os::fail_with(
        0, fmt::format("bind({}): {} is there, which is not replaced", path,
                       S_ISLNK(found->st_mode) ? "a symbolic link" : "a file that is no socket"));
  }
  const auto used = in_use(*file, path);
  if (!used) return std::unexpected(used.error());
  if (*used) return os::fail_with(EADDRINUSE, fmt::format("bind({})", path));
  return remove_stale(path, *found);
}

// The file was born with mode 0. Through a descriptor of it, so that what somebody may put in its place
// meanwhile is not touched.
os::Result<struct stat> give_rights(const std::string& path, const PathRights& rights) {
  const auto file = open_path(path);
  if (!file) return std::unexpected(file.error());
  const auto found = stat_of(*file, path);
  if (!found) return found;
  const uid_t maker = rights.maker ? rights.maker->uid : ::geteuid();
  if (!S_ISSOCK(found->st_mode) || (found->st_mode & 07777) != 0 || found->st_uid != maker) {
    return os::fail_with(0, fmt::format("bind({}): somebody else has replaced the socket's file", path));
  }
  if (rights.user || rights.group) {
    constexpr uid_t kUnchanged = static_cast<uid_t>(-1);
    if (::fchownat(file->get(), "", rights.user.value_or(kUnchanged), rights.group.value_or(kUnchanged),
                   AT_EMPTY_PATH) != 0) {
      return os::fail("chown", path);
    }
  }
  const std::string by_descriptor = fmt::format("/proc/self/fd/{}", file->get());
  if (::chmod(by_descriptor.c_str(), rights.mode) != 0) return os::fail("chmod", path);
  return found;
}

}  // namespace

os::Result<ListenerPath> ListenerPath::bind(os::FdRef socket, const std::string& path,
                                            const PathRights& rights) {
  // A socket's file gets the mode that the socket has when it is bound: none, until its owner is the right
  // one.
  if (::fchmod(socket.get(), 0) != 0) return os::fail("fchmod", path);
  const os::FileRights taken(pointer_to(rights.maker));
  if (!taken.taken()) return std::unexpected(taken.taken().error());
  const auto address = os::SocketAddress::unix_path(path);
  if (!address) return std::unexpected(address.error());
  auto bound = os::bind_socket(socket, *address);
  for (int attempt = 1; !bound && bound.error().code == EADDRINUSE && attempt < kBindAttempts; ++attempt) {
    if (const auto cleared = clear(path); !cleared) return std::unexpected(cleared.error());
    bound = os::bind_socket(socket, *address);
  }
  if (!bound) return std::unexpected(bound.error());

  ListenerPath made;
  made.path_ = path;
  made.maker_ = rights.maker;
  const auto file = give_rights(path, rights);
  if (!file) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode) && (found.st_mode & 07777) == 0)
      ::unlink(path.c_str());
    return std::unexpected(file.error());
  }
  made.device_ = file->st_dev;
  made.inode_ = file->st_ino;
  return made;
}

os::Result<ListenerPath> ListenerPath::found(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return os::fail("lstat", path);
  if (!S_ISSOCK(info.st_mode)) return os::fail_with(0, path + " is no socket any more");
  ListenerPath made;
  made.path_ = path;
  made.device_ = info.st_dev;
  made.inode_ = info.st_ino;
  return made;
}

ListenerPath ListenerPath::restore(PathState state) {
  ListenerPath made;
  made.path_ = std::move(state.path);
  made.hidden_as_ = std::move(state.hidden_as);
  made.device_ = state.device;
  made.inode_ = state.inode;
  made.maker_ = std::move(state.maker);
  return made;
}

bool ListenerPath::ours() const {
  struct stat found {};
  return ::lstat(where().c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_;
}

os::Result<void> ListenerPath::hide() {
  if (hidden()) return {};
  if (!ours()) return os::fail_with(0, fmt::format("{} is not this listener's file any more", path_));
  const os::FileRights rights(pointer_to(maker_));
  if (!rights.taken()) return rights.taken();
  const std::string away = aside(path_, "stopping");
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, away.c_str(), RENAME_NOREPLACE) != 0) {
    return os::fail("rename", path_);
  }
  hidden_as_ = away;
  return {};
}

os::Result<void> ListenerPath::show() {
  if (!hidden()) return {};
  const os::FileRights rights(pointer_to(maker_));
  if (!rights.taken()) return rights.taken();
  if (::renameat2(AT_FDCWD, hidden_as_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    return os::fail("rename", path_);
  }
  hidden_as_.clear();
  return {};
}

void ListenerPath::remove() const {
  const os::FileRights rights(pointer_to(maker_));
  if (rights.taken()) ::unlink(where().c_str());
}

}  // namespace liveswap::master
