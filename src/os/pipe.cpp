#include "os/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace liveswap::os {

Result<Pipe> open_pipe(int flags) {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC | flags) == -1) return fail("pipe2");
  return Pipe{{adopt, fds[0]}, {adopt, fds[1]}};
}

}  // namespace liveswap::os
