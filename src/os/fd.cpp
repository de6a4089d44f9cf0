#include "os/fd.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cassert>
#include <utility>

namespace liveswap::os {

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int OwnedFd::release() { return std::exchange(fd_, -1); }

void OwnedFd::reset() {
  if (fd_ < 0) return;
  const int saved = errno;
  // Linux frees the number even when close() reports EINTR, so it is never repeated. EBADF means that
  // somebody else closed what this owns: a bug that must not go on, as the number may be another's next time.
  [[maybe_unused]] const int result = ::close(release());
  assert(result == 0 || errno != EBADF);
  errno = saved;
}

Result<OwnedFd> dup_cloexec(FdRef fd, int at_least) {
  const int copy = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, at_least);
  if (copy == -1) return fail("fcntl F_DUPFD_CLOEXEC", fd.get());
  return OwnedFd{adopt, copy};
}

Result<void> set_cloexec(FdRef fd, bool on) {
  if (::fcntl(fd.get(), F_SETFD, on ? FD_CLOEXEC : 0) == -1) return fail("fcntl F_SETFD", fd.get());
  return {};
}

Result<bool> is_cloexec(FdRef fd) {
  const int flags = ::fcntl(fd.get(), F_GETFD);
  if (flags == -1) return fail("fcntl F_GETFD", fd.get());
  return (flags & FD_CLOEXEC) != 0;
}

Result<void> set_cloexec_from(int lowest) {
  // The system call's constant is Linux 5.11; before that, all numbers up to the limit are walked.
  if (::syscall(SYS_close_range, static_cast<unsigned>(lowest), ~0U, CLOSE_RANGE_CLOEXEC) == 0) return {};
  if (errno != ENOSYS && errno != EINVAL) return fail("close_range", lowest);
  const long limit = ::sysconf(_SC_OPEN_MAX);
  for (int fd = lowest; fd < limit; ++fd) {
    if (is_open(FdRef{fd})) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  return {};
}

Result<void> set_nonblock(FdRef fd, bool on) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags == -1) return fail("fcntl F_GETFL", fd.get());
  const int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (wanted != flags && ::fcntl(fd.get(), F_SETFL, wanted) == -1) return fail("fcntl F_SETFL", fd.get());
  return {};
}

Result<bool> is_nonblock(FdRef fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags == -1) return fail("fcntl F_GETFL", fd.get());
  return (flags & O_NONBLOCK) != 0;
}

bool is_open(FdRef fd) { return ::fcntl(fd.get(), F_GETFD) != -1; }

}  // namespace liveswap::os
