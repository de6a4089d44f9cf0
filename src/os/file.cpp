#include "os/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

namespace liveswap::os {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

Result<std::string> read_open_file(FdRef fd, std::string_view name, std::size_t max_size) {
  std::string content;
  std::array<char, 8192> block;
  for (;;) {
    const ssize_t got = retry_interrupted([&] { return ::read(fd.get(), block.data(), block.size()); });
    if (got == -1) return fail("read", name);
    if (got == 0) return content;
    content.append(block.data(), static_cast<std::size_t>(got));
    if (content.size() > max_size) {
      return fail_with(EFBIG,
                       "read(" + std::string(name) + "), at most " + std::to_string(max_size) + " bytes");
    }
  }
}

Result<std::string> read_file(const std::string& path, std::size_t max_size) {
  // A named pipe without a writer would be waited for, here or in the first read.
  const OwnedFd fd{adopt, ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (!fd) return fail("open", path);
  struct stat file {};
  if (::fstat(fd.get(), &file) == -1) return fail("fstat", path);
  if (S_ISFIFO(file.st_mode)) return fail_with(0, path + " is a named pipe");
  return read_open_file(fd, path, max_size);
}

Result<void> write_existing_file(const std::string& path, std::string_view content) {
  const OwnedFd fd{adopt, ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)};
  if (!fd) return fail("open", path);
  const ssize_t put = retry_interrupted([&] { return ::write(fd.get(), content.data(), content.size()); });
  if (put == -1) return fail("write", path);
  if (static_cast<std::size_t>(put) != content.size())
    return fail_with(EIO, "write(" + path + "), cut short");
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));  // close-on-exec by itself
  if (directory == nullptr) return fail("opendir", path);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return fail("readdir", path);
    if (entry == nullptr) return names;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
}

Result<std::string> read_link(const std::string& path) {
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size == -1) return fail("readlink", path);
  return std::string(target.data(), static_cast<std::size_t>(size));
}

Result<void> write_all(FdRef fd, std::string_view name, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written =
        retry_interrupted([&] { return ::write(fd.get(), content.data(), content.size()); });
    if (written >= 0) {
      content.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{fd.get(), POLLOUT, 0};
      if (retry_interrupted([&] { return ::poll(&writable, 1, -1); }) == -1) return fail("poll", name);
    } else {
      return fail("write", name);
    }
  }
  return {};
}

}  // namespace liveswap::os
