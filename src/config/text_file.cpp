#include "config/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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

  std::expected<std::string, std::string> read() const {
    if (fd_ < 0) return std::unexpected(std::string(std::strerror(errno)));
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return std::unexpected(errno_text("fstat"));
    if (S_ISDIR(status.st_mode)) return std::unexpected("is a directory");
    if (!S_ISREG(status.st_mode)) return std::unexpected("is not a regular file");
    std::string text;
    char buffer[16384];
    for (;;) {
      auto got = ::read(fd_, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::unexpected(errno_text("read"));
      if (got == 0) return text;
      text.append(buffer, static_cast<std::size_t>(got));
      if (text.size() > kFileBytesMax)
        return std::unexpected(fmt::format("is larger than {} bytes", kFileBytesMax));
    }
  }

 private:
  int fd_;
};

}  // namespace

std::expected<std::string, std::string> read_text_file(const std::string& path) { return File(path).read(); }

}  // namespace liveswap::config
