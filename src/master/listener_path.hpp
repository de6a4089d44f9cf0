// The file of a Unix listener: made with its final owner and mode before anybody can connect, taken over from
// a dead predecessor, and removed only where it still is the one that was made here.
//
// Owned by the listener's socket. While that socket is open the kernel keeps the file's inode, so that device
// and inode number say for certain whether a path still leads to it; the file is therefore looked at before
// the socket is closed, and removed after (ListenerSocket does both).
//
//   bind() ──▶ shown ◀──hide() / show()──▶ hidden          shown, hidden ──remove()──▶ gone
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/file_rights.hpp"

namespace liveswap::master {

struct PathRights {
  mode_t mode = 0660;
  std::optional<uid_t> user;
  std::optional<gid_t> group;
  std::optional<os::FileIdentity> maker;  // with whose rights the file is made, moved and removed; none: the master's
};

// What the next master has to know of one that is there.
struct PathState {
  std::string path, hidden_as;  // the latter: "" where clients can find it
  std::uint64_t device = 0, inode = 0;
  std::optional<os::FileIdentity> maker;
};

class ListenerPath {
 public:
  // Binds `socket`. A socket file that no socket is bound to any more is replaced; anything else at `path` is
  // an error (EADDRINUSE for a socket in use).
  [[nodiscard]] static os::Result<ListenerPath> bind(os::FdRef socket, const std::string& path,
                                                     const PathRights& rights);

  // One that is there: a socket's file, made by an earlier master.
  [[nodiscard]] static os::Result<ListenerPath> found(const std::string& path);
  // The same of what it had saved; whether it still is there is for ours() to say.
  [[nodiscard]] PathState save() const { return {path_, hidden_as_, device_, inode_, maker_}; }
  [[nodiscard]] static ListenerPath restore(PathState state);

  // Whether that is the file that was made here.
  [[nodiscard]] bool is(dev_t device, ino_t inode) const { return device == device_ && inode == inode_; }

  // Whether the path leads to the file that was made here.
  [[nodiscard]] bool ours() const;

  // Takes the file away from clients, who find no such file, and puts it back. Fails where the file is not
  // ours any more, or somebody else has taken its place.
  [[nodiscard]] os::Result<void> hide();
  [[nodiscard]] os::Result<void> show();
  [[nodiscard]] bool hidden() const { return !hidden_as_.empty(); }

  // The caller has seen that the file is ours.
  void remove() const;

 private:
  [[nodiscard]] const std::string& where() const { return hidden() ? hidden_as_ : path_; }

  std::string path_;
  std::optional<os::FileIdentity> maker_;
  std::string hidden_as_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace liveswap::master
