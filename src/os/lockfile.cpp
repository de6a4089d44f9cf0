#include "os/lockfile.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "os/file.hpp"

namespace liveswap::os {

Result<void> LockFile::write_pid(pid_t pid) const {
  const std::string text = std::to_string(pid) + "\n";
  if (::ftruncate(fd_.get(), 0) == -1) return fail("ftruncate", "lock file");
  if (::pwrite(fd_.get(), text.data(), text.size(), 0) == -1) return fail("pwrite", "lock file");
  return {};
}

Result<LockAttempt> keep_lock(OwnedFd taken) {
  LockAttempt attempt;
  attempt.lock.emplace(std::move(taken));
  if (const auto written = attempt.lock->write_pid(::getpid()); !written) return std::unexpected(written.error());
  return attempt;
}

Result<LockAttempt> take_lock(const std::string& path) {
  OwnedFd fd{adopt, ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return fail("open", path);
  if (::fchmod(fd.get(), 0600) == -1) return fail("fchmod", path);  // whoever may read it may lock it
  LockAttempt attempt;
  if (retry_interrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) == 0) {
    attempt.lock.emplace(std::move(fd));
    if (const auto written = attempt.lock->write_pid(::getpid()); !written)
      return std::unexpected(written.error());
    return attempt;
  }
  if (errno != EWOULDBLOCK) return fail("flock", path);
  constexpr std::size_t kPidTextMax = 64;
  if (const auto text = read_open_file(fd, path, kPidTextMax)) {
    std::from_chars(text->data(), text->data() + text->size(), attempt.holder);
  }
  return attempt;
}

}  // namespace liveswap::os
