#include "trapping.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include <cstdlib>
#include <cstring>

#include "os/remote_process.hpp"

namespace liveswap::launch::test {

using os::TrappedCall;

namespace {

std::string address_of(const TrappedCall& call) {
  const auto memory = os::read_memory(call.thread, call.address, call.length);
  if (!memory) return memory.error().message();
  sockaddr_in address{};
  REQUIRE(memory->size() == sizeof address);
  std::memcpy(&address, memory->data(), sizeof address);
  return std::string{::inet_ntoa(address.sin_addr)} + ":" + std::to_string(ntohs(address.sin_port));
}

std::string place(const TrappedCall& call, int directory, std::uint64_t path) {
  return std::to_string(directory) + " " + os::read_path(call.thread, path).value_or("(unreadable)");
}

}  // namespace

wire::LaunchPlan trapped_plan(std::initializer_list<std::string> calls, wire::Filter filter) {
  wire::LaunchPlan plan;
  const char* program = std::getenv("TRAPPED_PROBE");
  REQUIRE_MESSAGE(program != nullptr, "TRAPPED_PROBE is not set: run this test by meson");
  plan.program = program;
  plan.arguments = {"trapped"};
  plan.arguments.insert(plan.arguments.end(), calls);
  plan.filter = filter;
  return plan;
}

os::SeccompNotifier notifier_of(Launching& launching) {
  REQUIRE(launching.next() == "FILTER");
  auto notifier = os::SeccompNotifier::adopt(launching.take_notifier());
  REQUIRE_MESSAGE(notifier.has_value(), notifier.error().message());
  CHECK(launching.next() == "EXECUTING");
  return std::move(*notifier);
}

short readiness(const os::SeccompNotifier& notifier, bool wait) {
  constexpr int kNoTestNeedsMs = 10'000;
  pollfd poll_fd{notifier.fd().get(), POLLIN, 0};
  const int ready = ::poll(&poll_fd, 1, wait ? kNoTestNeedsMs : 0);
  REQUIRE(ready == (wait ? 1 : ready));
  return poll_fd.revents & (POLLIN | POLLHUP);
}

TrappedCall next_call(os::SeccompNotifier& notifier) {
  for (;;) {
    REQUIRE((readiness(notifier, true) & POLLIN) != 0);
    const auto call = notifier.receive();
    REQUIRE_MESSAGE(call.has_value(), call.error().message());
    if (*call) return **call;
  }
}

std::string text_of(const TrappedCall& call) {
  using Kind = TrappedCall::Kind;
  const std::string flags = " flags " + std::to_string(call.flags);
  switch (call.kind) {
    case Kind::bind: return "bind " + std::to_string(call.descriptor) + " " + address_of(call);
    case Kind::listen:
      return "listen " + std::to_string(call.descriptor) + " backlog " + std::to_string(call.backlog);
    case Kind::unlink: return "unlink " + place(call, call.descriptor, call.path) + flags;
    case Kind::rename:
      return "rename " + place(call, call.descriptor, call.path) + " " +
             place(call, call.target_directory, call.target) + flags;
    case Kind::io_uring_setup: return "io_uring_setup";
    case Kind::other: return "other";
  }
  return "?";
}

std::vector<std::string> answer_all(os::SeccompNotifier& notifier, const Answer& answer) {
  std::vector<std::string> texts;
  while ((readiness(notifier, true) & POLLIN) != 0) {
    const TrappedCall call = next_call(notifier);
    texts.push_back(text_of(call));
    CHECK(notifier.still_waits(call.id));
    answer(notifier, call);
    CHECK_FALSE(notifier.still_waits(call.id));
  }
  return texts;
}

void pretend(os::SeccompNotifier& notifier, const TrappedCall& call) {
  const auto answered = notifier.answer(call.id, 0);
  CHECK_MESSAGE(answered.has_value(), answered.error().message());
}

void go_on(os::SeccompNotifier& notifier, const TrappedCall& call) {
  const auto answered = notifier.go_on(call.id);
  CHECK_MESSAGE(answered.has_value(), answered.error().message());
}

}  // namespace liveswap::launch::test
