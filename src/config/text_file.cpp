#include "config/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "config/yaml_reader.hpp"

namespace liveswap::config {

namespace {

std::string errno_text(const char* call) { return fmt::format("{}: {}", call, std::strerror(errno)); }

// The descriptor of the file being read; nothing else in this folder holds one.
class File {
 public:
  // O_NONBLOCK: a FIFO of that name would block the master for ever.
  explicit File(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // At most `max_size` bytes.
  std::expected<std::string, std::string> read(std::size_t max_size) const {
    if (fd_ < 0) return std::unexpected(std::string(std::strerror(errno)));
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return std::unexpected(errno_text("fstat"));
    if (S_ISDIR(status.st_mode)) return std::unexpected("is a directory");
    if (!S_ISREG(status.st_mode)) return std::unexpected("is not a regular file");
    std::string text;
    char buffer[16384];
    while (text.size() < max_size) {
      auto got = ::read(fd_, buffer, std::min(sizeof buffer, max_size - text.size()));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::unexpected(errno_text("read"));
      if (got == 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  int fd_;
};

}  // namespace

std::expected<std::string, std::string> read_text_file(const std::string& path) {
  auto text = File(path).read(kFileBytesMax + 1);
  if (text && text->size() > kFileBytesMax)
    return std::unexpected(fmt::format("is larger than {} bytes", kFileBytesMax));
  return text;
}

std::expected<std::string, std::string> read_file_head(const std::string& path, std::size_t max_size) {
  return File(path).read(max_size);
}

}  // namespace liveswap::config
