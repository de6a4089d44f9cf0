// The launcher's end of the channel: it reads the plan and the descriptors up to GO, and reports. What
// arrives is close-on-exec.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/launch_plan.hpp"

namespace liveswap::launch {

struct Received {
  int plan = -1;  // the memory file
  std::uint32_t count = 0;
  std::array<int, wire::kPlanDescriptorsMax> fds;  // only the first `count` mean anything
};

struct Failure {
  std::string_view object;  // what the step was about to change, for people
  int error = 0;            // errno; 0: no failure
};

class ChannelLink {
 public:
  explicit ChannelLink(int fd) : fd_(fd) {}

  // Waits for GO. The errors are of the channel itself: EPIPE (the master is gone), EPROTO (it sent what it
  // must not), EMFILE (descriptors were lost on the way, since this process may not open as many).
  [[nodiscard]] Failure receive_until_go(Received& into);

  [[nodiscard]] int send_filter(int notifier);  // a duplicate of it; 0 or an errno
  [[nodiscard]] int send_executing();           // 0 or an errno
  void send_failed(std::string_view step, const Failure& failure);

  [[nodiscard]] int fd() const { return fd_; }
  void moved_to(int fd) { fd_ = fd; }

 private:
  struct Packet;
  [[nodiscard]] int receive_packet(Packet& packet, Received& into);

  int fd_;
};

}  // namespace liveswap::launch
