#include "master/launcher.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "os/memfd.hpp"
#include "os/scm.hpp"
#include "os/socket.hpp"
#include "os/spawn.hpp"
#include "wire/channel.hpp"

namespace liveswap::master {
namespace {

namespace channel = wire::channel;

constexpr int kChannelInChild = 3;
constexpr std::size_t kDescriptorsInChild = 5;  // the standard ones, the channel, the launcher itself

// The queue of a new socket takes the few packets that even thousands of descriptors need; it never fills.
os::Result<void> send(os::FdRef socket, const channel::Message& message, std::span<const os::FdRef> fds = {}) {
  std::array<std::byte, channel::kHeaderSize> packet{};
  const auto size = channel::encode(message, fds.size(), packet);
  if (!size) return os::fail_with(0, std::string(size.error().reason));
  const auto sent = os::send_packet(socket, std::span(packet).first(*size), fds, MSG_DONTWAIT);
  if (!sent) return std::unexpected(sent.error());
  if (*sent == os::SendOutcome::would_block) return os::fail_with(EAGAIN, "sendmsg(launcher)");
  return {};
}

os::Result<void> send_all(os::FdRef socket, os::FdRef plan, std::span<const os::FdRef> descriptors,
                          Launcher::When when) {
  if (auto sent = send(socket, channel::Plan{}, {&plan, 1}); !sent) return sent;
  while (!descriptors.empty()) {
    const auto some = descriptors.first(std::min(descriptors.size(), channel::kDescriptorsMax));
    if (auto sent = send(socket, channel::Descriptors{}, some); !sent) return sent;
    descriptors = descriptors.subspan(some.size());
  }
  return when == Launcher::When::at_once ? send(socket, channel::Go{}) : os::Result<void>();
}

}  // namespace

os::Result<Launcher> Launcher::open(os::OwnedFd program) {
  os::OwnedFd null{os::adopt, ::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!null) return os::fail("open", "/dev/null");
  auto numbers = os::SpawnNumbers::reserve(kDescriptorsInChild, kChannelInChild, null);
  if (!numbers) return std::unexpected(numbers.error());
  return Launcher(std::move(program), std::move(null), std::move(*numbers));
}

os::Result<LaunchedProcess> Launcher::start(const wire::LaunchPlan& plan, std::span<const os::FdRef> descriptors,
                                            const StandardStreams& streams, When when) {
  const auto bytes = wire::encode(plan);
  if (!bytes) return os::fail_with(0, "launch plan: " + std::string(bytes.error().reason));
  const auto sealed = os::make_sealed_memfd("liveswap-plan", *bytes);
  if (!sealed) return std::unexpected(sealed.error());
  auto pair = os::open_socket_pair(SOCK_SEQPACKET);
  if (!pair) return std::unexpected(pair.error());
  if (auto sent = send_all(pair->first, *sealed, descriptors, when); !sent) return std::unexpected(sent.error());

  os::SpawnRequest request;
  request.executable = program_;
  request.argv = {"liveswap-launch"};
  request.fds = {{null_, STDIN_FILENO},
                 {streams.out, STDOUT_FILENO},
                 {streams.err, STDERR_FILENO},
                 {pair->second, kChannelInChild}};
  request.signals = os::Signals::untouched;
  request.numbers = &numbers_;
  auto spawned = os::spawn(request);
  if (!spawned) return std::unexpected(spawned.error());
  return LaunchedProcess{spawned->pid, std::move(spawned->pidfd), std::move(pair->first)};
}

}  // namespace liveswap::master
