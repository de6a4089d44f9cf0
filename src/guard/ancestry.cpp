#include "guard/ancestry.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace liveswap::guard {
namespace {

constexpr int kAncestorsMax = 64;  // deeper trees are nobody's workers

// From /proc/PID/stat: what is behind the last parenthesis is ours to split, whatever the program is called. 0: none.
pid_t parent_of(pid_t pid) {
  std::array<char, 32> path{};
  (void)std::snprintf(path.data(), path.size(), "/proc/%d/stat", pid);
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file == -1) return 0;
  std::array<char, 512> text{};
  const ssize_t size = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  if (size <= 0) return 0;
  const std::string_view line(text.data(), static_cast<std::size_t>(size));
  const std::size_t name_end = line.rfind(") ");
  if (name_end == std::string_view::npos || name_end + 4 >= line.size()) return 0;
  pid_t parent = 0;
  const char* number = line.data() + name_end + 4;  // behind ") S "
  return std::from_chars(number, line.data() + line.size(), parent).ec == std::errc{} ? parent : 0;
}

}  // namespace

bool descends_from_here(pid_t pid) {
  const pid_t self = ::getpid();
  for (int depth = 0; pid > 1 && depth < kAncestorsMax; ++depth) {
    pid = parent_of(pid);
    if (pid == self) return true;
  }
  return false;
}

}  // namespace liveswap::guard
