#include "os/replacement_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "os/file.hpp"

namespace liveswap::os {

namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int create_new(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
}

}  // namespace

ReplacementFile::ReplacementFile(std::string path, std::string temporary, OwnedFd fd, OwnedFd folder)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)), folder_(std::move(folder)) {}

ReplacementFile::ReplacementFile(ReplacementFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)),
      folder_(std::move(other.folder_)) {}

ReplacementFile::~ReplacementFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<ReplacementFile> ReplacementFile::create(const std::string& path) {
  struct stat present {};
  const bool is_there = ::lstat(path.c_str(), &present) == 0;
  if (is_there && S_ISDIR(present.st_mode)) return fail_with(EISDIR, "replace(" + path + ")");
  const std::string folder = folder_of(path);
  OwnedFd opened{adopt, ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened) return fail("open", folder);
  const std::string temporary = path + "." + std::to_string(::getpid());
  OwnedFd fd{adopt, create_new(temporary)};
  if (!fd && errno == EEXIST) {  // of a process with our number that ended amid this
    ::unlink(temporary.c_str());
    fd = OwnedFd{adopt, create_new(temporary)};
  }
  if (!fd) return fail("open", temporary);
  ReplacementFile file(path, temporary, std::move(fd), std::move(opened));
  if (is_there && S_ISREG(present.st_mode) && ::fchmod(file.fd_.get(), present.st_mode & 07777) == -1)
    return fail("fchmod", temporary);
  return file;
}

Result<void> ReplacementFile::put(std::string_view content) {
  if (auto written = write_all(fd_, temporary_, content); !written) return written;
  if (::fsync(fd_.get()) == -1) return fail("fsync", temporary_);
  if (::rename(temporary_.c_str(), path_.c_str()) == -1) return fail("rename", path_);
  temporary_.clear();
  if (::fsync(folder_.get()) == -1) return fail("fsync", folder_of(path_));
  return {};
}

}  // namespace liveswap::os
