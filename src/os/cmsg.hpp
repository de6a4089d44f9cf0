// Descriptors in the control part of a socket message: where they lie, and nothing else. No allocation, no
// calls of libc, so that programs of every kind can use it; os/scm.hpp is what a program with owners of
// descriptors wants. Only this header knows CMSG_.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstring>

namespace liveswap::os {

inline constexpr std::size_t kMaxPacketFds = 253;  // the kernel's SCM_MAX_FD

// Room for so many descriptors, or for a sender's credentials. Alignment can leave room for one descriptor
// more than was asked for; for_each_fd finds that, too.
[[nodiscard]] constexpr std::size_t control_space_for_fds(std::size_t count) {
  return count > 0 ? CMSG_SPACE(count * sizeof(int)) : 0;
}
inline constexpr std::size_t kControlSpaceForCredentials = CMSG_SPACE(sizeof(ucred));

// Makes `control`, zeroed, aligned as a cmsghdr and with control_space_for_fds(count) bytes, the message's
// control part, for that many descriptors. The result is where their numbers go, one int behind the other.
[[nodiscard]] inline unsigned char* attach_fd_header(msghdr& message, std::byte* control, std::size_t count) {
  message.msg_control = control;
  message.msg_controllen = control_space_for_fds(count);
  auto* header = reinterpret_cast<cmsghdr*>(control);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  return CMSG_DATA(header);
}

// Calls visit(const cmsghdr&) for each header that lies wholly within what the kernel has written.
template <class Visit>
void for_each_header(const msghdr& message, Visit visit) {
  const auto* control = static_cast<const unsigned char*>(message.msg_control);
  std::size_t at = 0;
  while (message.msg_controllen >= at + CMSG_LEN(0)) {
    const auto* header = reinterpret_cast<const cmsghdr*>(control + at);
    if (header->cmsg_len < CMSG_LEN(0) || header->cmsg_len > message.msg_controllen - at) return;
    visit(*header);
    at += CMSG_ALIGN(header->cmsg_len);
  }
}

// Calls take(int) for each descriptor that came: all of them are this process's from now on, whatever else is
// wrong with the message.
template <class Take>
void for_each_fd(const msghdr& message, Take take) {
  for_each_header(message, [&](const cmsghdr& header) {
    if (header.cmsg_level != SOL_SOCKET || header.cmsg_type != SCM_RIGHTS) return;
    const std::size_t count = (header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(&header) + i * sizeof number, sizeof number);
      take(number);
    }
  });
}

// Calls take(ucred) for the sender's credentials, where the kernel was asked to attach them.
template <class Take>
void for_each_credentials(const msghdr& message, Take take) {
  for_each_header(message, [&](const cmsghdr& header) {
    if (header.cmsg_level != SOL_SOCKET || header.cmsg_type != SCM_CREDENTIALS) return;
    if (header.cmsg_len < CMSG_LEN(sizeof(ucred))) return;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(&header), sizeof sender);
    take(sender);
  });
}

}  // namespace liveswap::os
