#include "master/notify_fd_link.hpp"

#include <sys/socket.h>

#include <string>
#include <utility>

#include "os/socket.hpp"

namespace liveswap::master {

os::Result<std::unique_ptr<NotifyFdLink>> NotifyFdLink::open(loop::Loop& loop, uid_t worker,
                                                             NotifySocket::Handlers handlers,
                                                             const LinkHandlers& link) {
  auto pair = os::open_socket_pair(SOCK_DGRAM);
  if (!pair) return std::unexpected(pair.error());
  auto ours = NotifySocket::adopt(loop, std::move(pair->first), worker, std::move(handlers));
  if (!ours) return std::unexpected(ours.error());
  (*ours)->kept_as(link.keep((*ours)->fd()));
  return std::unique_ptr<NotifyFdLink>(new NotifyFdLink(std::move(*ours), std::move(pair->second)));
}

os::Result<std::unique_ptr<NotifyFdLink>> NotifyFdLink::go_on(loop::Loop& loop, uid_t worker,
                                                              NotifySocket::Handlers handlers, const LinkHandlers& link,
                                                              const SocketLinkState& state) {
  auto left = link.take(state.socket);
  if (!left) return std::unexpected(left.error());
  auto ours = NotifySocket::go_on(loop, std::move(*left), "", worker, std::move(handlers));
  if (!ours) return std::unexpected(ours.error());
  return std::unique_ptr<NotifyFdLink>(new NotifyFdLink(std::move(*ours), {}));
}

LinkGift NotifyFdLink::gift(int free) const {
  return {.variables = {{"NOTIFY_FD", std::to_string(free)}}, .descriptors = {{theirs_, free}}};
}

}  // namespace liveswap::master
