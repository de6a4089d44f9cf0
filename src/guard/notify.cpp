#include "guard/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "os/cmsg.hpp"
#include "wire/service_notification.hpp"

namespace liveswap::guard {
namespace {

// A path, or @ and an abstract name; the length, or 0 where it is neither.
socklen_t fill(sockaddr_un& address, const char* name) {
  const std::size_t length = std::strlen(name);
  if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof address.sun_path) return 0;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name, length);
  const bool is_path = name[0] == '/';
  if (!is_path) address.sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + (is_path ? 1 : 0));
}

}  // namespace

void notify(const char* address, const wire::guard::Notify& request, int fd) {
  const std::string text = wire::notification_text(request);
  sockaddr_un where{};
  const socklen_t length = fill(where, address);
  if (text.empty() || length == 0) return;
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket == -1) return;
  alignas(cmsghdr) std::byte control[os::control_space_for_fds(1)]{};
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_name = &where;
  message.msg_namelen = length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd != -1) std::memcpy(os::attach_fd_header(message, control, 1), &fd, sizeof fd);
  (void)::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  ::close(socket);
}

}  // namespace liveswap::guard
