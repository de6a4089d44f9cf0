// liveswapctl: asks a running liveswap to do something, or how it is.
#include <unistd.h>

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

namespace {

std::optional<std::string> environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

void write_to(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

int run(const std::vector<std::string>& words) {
  using namespace liveswap;
  std::error_code none;
  ctl::World world{.terminal = ctl::Terminal::of_this_process(),
                   .surroundings = config::Surroundings::of_this_process(),
                   .environment = {},
                   .out = [](std::string_view text) { write_to(stdout, text); },
                   .err = [](std::string_view text) { write_to(stderr, text); }};
  world.environment.env_control = environment_variable("LIVESWAP_CONTROL");
  world.environment.env_name = environment_variable("LIVESWAP_NAME");
  world.environment.folder = std::filesystem::current_path(none).string();
  return ctl::run(words, world);
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
