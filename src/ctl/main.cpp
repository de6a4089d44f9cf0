// liveswapctl: asks a running liveswap to do something, or how it is.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "ctl/run.hpp"
#include "os/file.hpp"

namespace {

std::optional<std::string> environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

// After an error nothing more is written: it would stand behind a gap.
class Stream {
 public:
  Stream(int fd, std::string_view name) : fd_(liveswap::os::FdRef(fd)), name_(name) {}

  bool write(std::string_view text) {
    if (written_) written_ = liveswap::os::write_all(fd_, name_, text);
    return written_.has_value();
  }
  [[nodiscard]] int error_code() const { return written_ ? 0 : written_.error().code; }

 private:
  liveswap::os::FdRef fd_;
  std::string_view name_;
  liveswap::os::Result<void> written_;
};

// What was asked for may be done, but whoever reads the output must not take it for whole. Who has closed the
// pipe wanted no more.
int status_of(int status, const Stream& out, Stream& err) {
  if (out.error_code() == 0 || out.error_code() == EPIPE) return status;
  err.write("liveswapctl: write error: " + liveswap::os::errno_text(out.error_code()) + "\n");
  return status == liveswap::ctl::kStatusDone ? liveswap::ctl::kStatusFailed : status;
}

int run(const std::vector<std::string>& words) {
  using namespace liveswap;
  std::error_code none;
  Stream out(STDOUT_FILENO, "standard output");
  Stream err(STDERR_FILENO, "standard error");
  ctl::World world{.terminal = ctl::Terminal::of_this_process(),
                   .surroundings = config::Surroundings::of_this_process(),
                   .environment = {},
                   .out = [&](std::string_view text) { return out.write(text); },
                   .err = [&](std::string_view text) { return err.write(text); }};
  world.environment.env_control = environment_variable("LIVESWAP_CONTROL");
  world.environment.env_name = environment_variable("LIVESWAP_NAME");
  world.environment.folder = std::filesystem::current_path(none).string();
  return status_of(ctl::run(words, world), out, err);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "liveswapctl: %s\n", error.what());
    return liveswap::ctl::kStatusFailed;
  }
}
