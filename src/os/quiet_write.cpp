#include "os/quiet_write.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "os/error.hpp"

namespace liveswap::os {
namespace {

bool is_pending(int signal) {
  sigset_t pending;
  return ::sigpending(&pending) == 0 && ::sigismember(&pending, signal) == 1;
}

// Blocks SIGPIPE in this thread, which is the one that a write raises it in, and at the end takes away the one that was
// raised meanwhile. One that waited already is somebody else's, and stays.
class SigpipeHeld {
 public:
  SigpipeHeld() {
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    waited_ = ::sigismember(&before_, SIGPIPE) == 1 && is_pending(SIGPIPE);
  }
  SigpipeHeld(const SigpipeHeld&) = delete;
  SigpipeHeld& operator=(const SigpipeHeld&) = delete;
  ~SigpipeHeld() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  void take() const {
    constexpr timespec kNoTime{};
    if (!waited_) retry_interrupted([&] { return ::sigtimedwait(&sigpipe_, nullptr, &kNoTime); });
  }

 private:
  sigset_t sigpipe_{};
  sigset_t before_{};
  bool waited_ = false;
};

}  // namespace

ssize_t write_quietly(FdRef fd, std::string_view bytes) {
  int code = 0;
  ssize_t written = 0;
  {
    const SigpipeHeld held;
    written = retry_interrupted([&] { return ::write(fd.get(), bytes.data(), bytes.size()); });
    code = errno;
    if (written == -1 && code == EPIPE) held.take();
  }
  errno = code;
  return written;
}

}  // namespace liveswap::os
