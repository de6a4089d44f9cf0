#include "master/launcher_path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "os/file.hpp"

namespace liveswap::master {

namespace {

// LIVESWAP_LIBEXEC_FROM_BIN is libexecdir/liveswap as seen from bindir, so that a moved prefix works too.
std::array<std::string, 3> candidates(const std::string& folder) {
  return {folder + "/../launch/liveswap-launch",                          // the build tree
          folder + "/" LIVESWAP_LIBEXEC_FROM_BIN "/liveswap-launch",      // installed
          LIVESWAP_LIBEXEC "/liveswap-launch"};                           // installed, the program copied elsewhere
}

}  // namespace

std::expected<os::OwnedFd, std::string> open_launcher_program() {
  const auto self = os::read_link("/proc/self/exe");
  if (!self) return std::unexpected(self.error().message());
  const std::string folder = self->substr(0, self->rfind('/'));
  std::string tried;
  for (const std::string& path : candidates(folder)) {
    os::OwnedFd program{os::adopt, ::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (program && ::access(path.c_str(), X_OK) == 0) return program;
    tried += (tried.empty() ? "" : ", ") + path;
  }
  return std::unexpected("liveswap-launch is not there; tried " + tried);
}

}  // namespace liveswap::master
