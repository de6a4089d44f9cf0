// A place to write to that may be anybody's: the master's standard output, which can be a file on a full disk, a pipe
// that nobody reads, a terminal that is stopped, a socket, or closed. Writing never waits, and never changes the
// O_NONBLOCK of an open file that others share. A reader that has gone is an error, and no SIGPIPE.
#pragma once

#include <cstddef>
#include <string_view>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

class OutputTarget {
 public:
  // Borrows the descriptor, which need not be open.
  explicit OutputTarget(os::FdRef fd);

  // How many bytes could be written now: 0 where writing would wait.
  [[nodiscard]] os::Result<std::size_t> write(std::string_view bytes);

  // Becomes readable when writing would no longer wait. An epoll of its own, because whoever watches the descriptor
  // itself may make it non-blocking (libuv does).
  [[nodiscard]] os::Result<os::FdRef> writable();

 private:
  enum class Kind { file, socket, own, shared };

  [[nodiscard]] os::FdRef fd() const { return own_ ? os::FdRef(own_) : fd_; }
  [[nodiscard]] os::Result<std::size_t> write_shared(std::string_view bytes);

  os::FdRef fd_;
  Kind kind_ = Kind::file;
  os::OwnedFd own_;  // the same pipe or terminal, opened again: its O_NONBLOCK is ours alone
  os::OwnedFd epoll_;
};

}  // namespace liveswap::master
