#include "ctl/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace liveswap::ctl {

Terminal Terminal::of_this_process() {
  Terminal terminal;
  terminal.is_terminal = ::isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (terminal.is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    if (size.ws_col > 0) terminal.columns = size.ws_col;
    if (size.ws_row > 0) terminal.rows = size.ws_row;
  }
  const char* no_color = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
  const bool wanted = !dumb && (no_color == nullptr || *no_color == '\0');
  terminal.out.color = wanted && terminal.is_terminal;
  terminal.err.color = wanted && ::isatty(STDERR_FILENO) == 1;
  if (dumb) terminal.is_terminal = false;  // it cannot go up
  return terminal;
}

void Screen::draw(const std::vector<std::string>& lines) {
  if (lines == drawn_) return;
  std::string out;
  if (!drawn_.empty()) out += "\033[" + std::to_string(drawn_.size()) + "A";
  for (const std::string& line : lines) out += "\r" + line + "\033[K\n";
  const std::size_t fewer = drawn_.size() - std::min(drawn_.size(), lines.size());
  for (std::size_t i = 0; i < fewer; ++i) out += "\033[K\n";
  if (fewer > 0) out += "\033[" + std::to_string(fewer) + "A";
  write_(out);
  drawn_ = lines;
}

}  // namespace liveswap::ctl
