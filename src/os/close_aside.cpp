#include "os/close_aside.hpp"

#include <pthread.h>
#include <signal.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include <system_error>
#include <thread>
#include <utility>

namespace liveswap::os {
namespace {

bool lingers(FdRef socket) {
  linger how{};
  socklen_t size = sizeof how;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &how, &size) == 0 && how.l_onoff != 0 && how.l_linger > 0;
}

int number_option(FdRef socket, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0 ? value : 0;
}

// What waits in it is closed with it, and can be anything. What waits to be accepted cannot be seen.
bool has_something_in_it(FdRef socket) {
  if (number_option(socket, SO_DOMAIN) != AF_UNIX) return false;
  int waiting = 0;
  return number_option(socket, SO_ACCEPTCONN) != 0 || ::ioctl(socket.get(), FIONREAD, &waiting) == -1 || waiting > 0;
}

// Its file system is a program, which is asked when a file is closed.
bool is_served_by_a_program(FdRef file) {
  struct statfs system {};
  return ::fstatfs(file.get(), &system) == 0 && system.f_type == FUSE_SUPER_MAGIC;
}

}  // namespace

// The thread takes no signal: those are for threads that know what to do with them.
void close_aside(OwnedFd fd) {
  if (!lingers(fd) && !has_something_in_it(fd) && !is_served_by_a_program(fd)) return;  // closed by its owner's end
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([owned = std::move(fd)] {}).detach();
  } catch (const std::system_error&) {
    // No thread can be had; then it is closed here.
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void close_aside(std::vector<OwnedFd>& fds) {
  for (OwnedFd& fd : fds) close_aside(std::move(fd));
  fds.clear();
}

}  // namespace liveswap::os
