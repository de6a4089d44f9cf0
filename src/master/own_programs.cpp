#include "master/own_programs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <span>
#include <string_view>
#include <vector>

#include "os/file.hpp"

namespace liveswap::master {

namespace {

// The first of these that can be run, or read; a relative one is below the folder of this program.
std::expected<std::string, std::string> find_program(std::string_view name, std::span<const std::string> places,
                                                     int how = X_OK) {
  const auto self = os::read_link("/proc/self/exe");
  if (!self) return std::unexpected(self.error().message());
  const std::string folder = self->substr(0, self->rfind('/')) + "/";
  std::string tried;
  for (const std::string& place : places) {
    std::string path = place.starts_with('/') ? place : folder + place;
    if (::access(path.c_str(), how) == 0) return path;
    tried += (tried.empty() ? "" : ", ") + path;
  }
  return std::unexpected(std::string(name) + " is not there; tried " + tried);
}

std::expected<os::OwnedFd, std::string> open_program(const std::string& path) {
  os::OwnedFd program{os::adopt, ::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!program) return std::unexpected(os::fail("open", path).error().message());
  return program;
}

}  // namespace

// LIVESWAP_LIBEXEC_FROM_BIN is libexecdir/liveswap as seen from bindir, so that a moved prefix works too.
std::expected<os::OwnedFd, std::string> open_launcher_program(const std::string& told) {
  if (!told.empty()) return open_program(told);
  const std::vector<std::string> places{"../launch/liveswap-launch",                     // the build tree
                                        LIVESWAP_LIBEXEC_FROM_BIN "/liveswap-launch",    // installed
                                        LIVESWAP_LIBEXEC "/liveswap-launch"};            // the program copied elsewhere
  const auto path = find_program("liveswap-launch", places);
  if (!path) return std::unexpected(path.error());
  return open_program(*path);
}

std::expected<std::string, std::string> find_bind_library(const std::string& told) {
  std::vector<std::string> places{"../preload/liveswap-bind.so",                  // the build tree
                                  LIVESWAP_LIBEXEC_FROM_BIN "/liveswap-bind.so",  // installed
                                  LIVESWAP_LIBEXEC "/liveswap-bind.so"};          // the program copied elsewhere
  if (!told.empty()) places.insert(places.begin(), told.substr(0, told.rfind('/') + 1) + "liveswap-bind.so");
  auto path = find_program("liveswap-bind.so", places, R_OK);
  if (path && path->find_first_of(": ") != std::string::npos) {
    return std::unexpected("LD_PRELOAD cannot have a path with a colon or a space: " + *path);
  }
  return path;
}

std::expected<os::OwnedFd, std::string> open_guardian_program() {
  const std::vector<std::string> places{"../guard/liveswap-guardian",                    // the build tree
                                        LIVESWAP_LIBEXEC_FROM_BIN "/liveswap-guardian",  // installed
                                        LIVESWAP_LIBEXEC "/liveswap-guardian"};          // the program copied elsewhere
  const auto path = find_program("liveswap-guardian", places);
  if (!path) return std::unexpected(path.error());
  return open_program(*path);
}

std::expected<std::string, std::string> find_client_program() {
  const std::vector<std::string> places{"../ctl/liveswapctl",           // the build tree
                                        "liveswapctl",                  // installed
                                        LIVESWAP_BIN "/liveswapctl"};   // the program copied elsewhere
  return find_program("liveswapctl", places);
}

}  // namespace liveswap::master
