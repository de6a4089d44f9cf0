#include "guard/succession.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "wire/guard_messages.hpp"

namespace liveswap::guard {
namespace {

constexpr std::uint32_t kEntriesMax = 1U << 20U;

std::string assignment(std::string_view name, int value) {
  return std::string(name) + "=" + std::to_string(value);
}

void pass_on(const Legacy& legacy, const Store& store, int image, bool on) {
  const int flags = on ? 0 : FD_CLOEXEC;
  for (const int fd : {legacy.channel, legacy.program, legacy.parent, image}) {
    if (fd != -1) (void)::fcntl(fd, F_SETFD, flags);
  }
  for (const Store::Entry& entry : store.entries()) (void)::fcntl(entry.fd, F_SETFD, flags);
}

bool write_all(int file, const void* bytes, std::size_t size) {
  return ::write(file, bytes, size) == static_cast<ssize_t>(size);
}

bool read_all(int file, void* bytes, std::size_t size) {
  return ::read(file, bytes, size) == static_cast<ssize_t>(size);
}

int make_image(const Legacy& legacy, const Store& store) {
  const int image = ::memfd_create("liveswap-guardian", MFD_CLOEXEC);
  if (image == -1) return -1;
  const auto& entries = store.entries();
  if (write_all(image, &legacy, sizeof legacy) &&
      write_all(image, entries.data(), entries.size() * sizeof(Store::Entry)) && ::lseek(image, 0, SEEK_SET) == 0) {
    return image;
  }
  ::close(image);
  errno = ENOSPC;
  return -1;
}

}  // namespace

int hand_over(int program, Legacy legacy, const Store& store, char** arguments, char** environment) {
  legacy.entries = static_cast<std::uint32_t>(store.entries().size());
  const int image = make_image(legacy, store);
  if (image == -1) return errno;
  std::string variable = assignment(wire::guard::kImageVariable, image);
  std::vector<char*> variables;
  for (char** one = environment; *one != nullptr; ++one) variables.push_back(*one);
  variables.push_back(variable.data());
  variables.push_back(nullptr);
  pass_on(legacy, store, image, true);
  ::execveat(program, "", arguments, variables.data(), AT_EMPTY_PATH);
  const int error = errno;
  pass_on(legacy, store, image, false);
  ::close(image);
  return error;
}

bool take_over(int image, Legacy& legacy, Store& store) {
  std::uint32_t size = 0;
  bool good = ::pread(image, &size, sizeof size, 0) == sizeof size && size >= offsetof(Legacy, started_ms);
  Legacy read{};
  good = good && read_all(image, &read, std::min<std::size_t>(size, sizeof read)) && read.entries <= kEntriesMax;
  if (good) (void)::lseek(image, size, SEEK_SET);
  for (std::uint32_t i = 0; good && i < read.entries; ++i) {
    Store::Entry entry;
    good = read_all(image, &entry, sizeof entry);
    if (good && ::fcntl(entry.fd, F_SETFD, FD_CLOEXEC) == 0) store.keep(entry.key, entry.fd);
  }
  ::close(image);
  if (!good) return false;
  for (const int fd : {read.channel, read.program, read.parent}) {
    if (fd != -1) (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  legacy = read;
  return true;
}

}  // namespace liveswap::guard
