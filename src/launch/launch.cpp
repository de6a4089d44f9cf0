#include "launch/launch.hpp"

#include <sys/resource.h>

#include <span>

#include "launch/steps.hpp"
#include "launch/system.hpp"

namespace liveswap::launch {
namespace {

// Its type is written out: GCC 12 would put a deduced one into writable memory, one more page to map.
constexpr Step kSteps[] = {
#define LAUNCH_STEP(function, text) Step{text, function},
#include "launch/steps.def"
#undef LAUNCH_STEP
};

constexpr bool every_step_has_a_text() {
  for (const Step& step : kSteps) {
    if (step.text.empty()) return false;
  }
  return true;
}
static_assert(every_step_has_a_text());
static_assert(std::span(kSteps).back().run == execute, "nothing can follow the program");

// The bytes of the memory file, mapped for good. Only a sealed one: it must not change or shrink under the
// reader.
std::span<const std::byte> map_plan(int fd, Failure& failure) {
  constexpr long kSeals = F_SEAL_WRITE | F_SEAL_SHRINK;
  const long seals = sys::call(SYS_fcntl, fd, F_GET_SEALS);
  const long size = sys::call(SYS_lseek, fd, 0, SEEK_END);
  if (seals < 0 || (seals & kSeals) != kSeals || size <= 0) {
    failure = {"the plan is no sealed memory file", EPROTO};
    return {};
  }
  const long address = sys::map_file(fd, static_cast<std::size_t>(size));
  if (address < 0) {
    failure = {"the plan", static_cast<int>(-address)};
    return {};
  }
  return {reinterpret_cast<const std::byte*>(address), static_cast<std::size_t>(size)};
}

// As many descriptors as the kernel will let us have: hundreds of listeners can come before the plan says
// what the program's own limit is. set_limits puts it right again.
void raise_file_limit(std::uint64_t (&original)[2]) {
  sys::call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, original);
  const std::uint64_t raised[2] = {original[1], original[1]};
  sys::call(SYS_prlimit64, 0, RLIMIT_NOFILE, raised, 0);
}

}  // namespace

int run() {
  constexpr std::string_view kReceiving = "receive launch plan";
  std::uint64_t file_limit[2] = {1024, 4096};
  raise_file_limit(file_limit);
  ChannelLink channel{kChannelNumber};
  Received received;
  Failure failure = channel.receive_until_go(received);
  if (failure.error == ENOTSOCK || failure.error == EBADF) {
    constexpr std::string_view kUsage =
        "liveswap-launch is run by liveswap, with a channel as descriptor 3\n";
    sys::write(2, kUsage.data(), kUsage.size());
    return kExitStatus;
  }
  std::span<const std::byte> bytes;
  if (failure.error == 0) bytes = map_plan(received.plan, failure);
  if (failure.error != 0) {
    channel.send_failed(kReceiving, failure);
    return kExitStatus;
  }
  const auto plan = wire::LaunchPlanView::parse(bytes);
  if (!plan || plan->descriptors() != received.count) {
    const std::string_view reason =
        plan ? "other descriptors came than the plan counts" : plan.error().reason;
    channel.send_failed(kReceiving, {reason, EPROTO});
    return kExitStatus;
  }
  TextBuffer scratch;
  Launch launch{*plan, received, channel, file_limit[0], file_limit[1], scratch};
  for (const Step& step : kSteps) {
    failure = step.run(launch);
    if (failure.error == 0) continue;
    channel.send_failed(step.text, failure);
    break;
  }
  return kExitStatus;
}

}  // namespace liveswap::launch
