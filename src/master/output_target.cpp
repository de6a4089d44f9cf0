#include "master/output_target.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "os/quiet_write.hpp"

namespace liveswap::master {
namespace {

os::Result<std::size_t> result_of(ssize_t written, os::FdRef fd) {
  if (written >= 0) return static_cast<std::size_t>(written);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
  return os::fail("write", fd.get());
}

}  // namespace

OutputTarget::OutputTarget(os::FdRef fd) : fd_(fd) {
  struct stat info {};
  if (::fstat(fd.get(), &info) == -1 || S_ISREG(info.st_mode) || S_ISBLK(info.st_mode)) return;
  if (S_ISSOCK(info.st_mode)) {
    kind_ = Kind::socket;
    return;
  }
  const std::string again = "/proc/self/fd/" + std::to_string(fd.get());
  own_ = os::OwnedFd{os::adopt, ::open(again.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  kind_ = own_ ? Kind::own : Kind::shared;  // another user's pipe or terminal cannot be opened again
}

os::Result<std::size_t> OutputTarget::write(std::string_view bytes) {
  if (kind_ == Kind::shared) return write_shared(bytes);
  if (kind_ == Kind::socket) {
    return result_of(os::retry_interrupted([&] {
                       return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
                     }),
                     fd_);
  }
  return result_of(os::write_quietly(fd(), bytes), fd());
}

// A pipe that polls as writable takes PIPE_BUF bytes without waiting, unless somebody else fills it in between.
os::Result<std::size_t> OutputTarget::write_shared(std::string_view bytes) {
  pollfd poll_fd{fd_.get(), POLLOUT, 0};
  const int ready = os::retry_interrupted([&] { return ::poll(&poll_fd, 1, 0); });
  if (ready == -1) return os::fail("poll", fd_.get());
  if (ready == 0) return std::size_t{0};
  const std::string_view piece = bytes.substr(0, PIPE_BUF);
  return result_of(os::write_quietly(fd_, piece), fd_);
}

os::Result<os::FdRef> OutputTarget::writable() {
  if (epoll_) return os::FdRef(epoll_);
  os::OwnedFd epoll{os::adopt, ::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) return os::fail("epoll_create1");
  epoll_event event{};
  event.events = EPOLLOUT;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd().get(), &event) == -1) return os::fail("epoll_ctl", fd().get());
  epoll_ = std::move(epoll);
  return os::FdRef(epoll_);
}

}  // namespace liveswap::master
