#include "master/status_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/file.hpp"

namespace liveswap::master {
namespace {

// Beside it, so that the rename stays in one directory; what a master left there that was killed meanwhile is replaced.
os::Result<void> replace_file(const std::string& path, const std::string& text) {
  const std::string written = path + ".new";
  if (::unlink(written.c_str()) == -1 && errno != ENOENT) return os::fail("unlink", written);
  const os::OwnedFd fd{os::adopt,
                       ::open(written.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!fd) return os::fail("open", written);
  if (auto done = os::write_all(fd, written, text); !done) return done;
  if (::rename(written.c_str(), path.c_str()) == -1) return os::fail("rename", path);
  return {};
}

}  // namespace

StatusFiles::StatusFiles(loop::Loop& loop, const Log& log, Living living)
    : log_(log), living_(std::move(living)), deferred_(loop, [this] { write_changed(); }) {}

// Workers that the master leaves behind still live, and the file still says so.
StatusFiles::~StatusFiles() {
  for (const auto& [path, file] : files_) {
    if (living_(path).empty()) ::unlink(path.c_str());
  }
}

void StatusFiles::changed(const std::string& path) {
  files_[path].changed = true;
  deferred_.schedule();
}

void StatusFiles::write_changed() {
  for (auto& [path, file] : files_) {
    if (std::exchange(file.changed, false)) write(path, file);
  }
}

void StatusFiles::write(const std::string& path, File& file) {
  auto rows = living_(path);
  std::ranges::sort(rows, {}, [](const StatusRow& row) { return std::pair(row.generation, row.pid); });
  std::string text;
  for (const StatusRow& row : rows) text += fmt::format("{}:{}\n", row.generation, row.pid);
  const auto written = replace_file(path, text);
  if (written) {
    file.told = false;
  } else if (!std::exchange(file.told, true)) {
    log_.warn(fmt::format("status_file is not written: {}", written.error().message()));
  }
}

}  // namespace liveswap::master
