#include "master/worker_links.hpp"

#include <fmt/format.h>

#include <cerrno>

#include "master/node_link.hpp"
#include "protocols/environment.hpp"

namespace liveswap::master {
namespace {

namespace node = wire::node;

// None: what Node asks for cannot be an address.
std::optional<core::Address> address_of(const node::ServerQuery& query) {
  core::Address address;
  address.text = query.address;
  if (query.address.contains('\0')) return std::nullopt;
  if (query.kind == node::AddressKind::pipe) {
    if (!query.address.starts_with('/')) return std::nullopt;  // the worker has made it absolute
    address.kind = core::SocketKind::unix_stream;
    address.path = query.address;
    return address;
  }
  address.kind = query.kind == node::AddressKind::tcp ? core::SocketKind::tcp : core::SocketKind::udp;
  address.host = query.address;
  address.port = query.port;
  return address;
}

std::optional<os::FileIdentity> identity_of(const Release& release) {
  if (!release.identity) return std::nullopt;
  return os::FileIdentity{release.identity->uid, release.identity->gid,
                          {release.identity->groups.begin(), release.identity->groups.end()}};
}

// listen({fd: N}): the app's listeners count from 3, as where they are descriptors. A number is never looked up among
// the master's own.
std::expected<BoundSocket, ServerRefusal> socket_numbered(const std::vector<BoundSocket>& sockets, int number) {
  const int index = number - protocols::kFirstListener;
  if (index < 0 || static_cast<std::size_t>(index) >= sockets.size()) {
    return std::unexpected(ServerRefusal{
        EBADF, fmt::format("asks for descriptor {}: the app has {} listeners, from {}", number, sockets.size(),
                           protocols::kFirstListener)});
  }
  return sockets[static_cast<std::size_t>(index)];
}

std::expected<BoundSocket, ServerRefusal> find_socket(const WorkerContext& context, const core::Spawn& ids,
                                                      const Release& release, const node::ServerQuery& query) {
  if (query.kind == node::AddressKind::descriptor) {
    return socket_numbered(context.setup.sockets_of(release.plan.listeners), query.descriptor);
  }
  const auto address = address_of(query);
  if (!address) return std::unexpected(ServerRefusal{EINVAL, "asks for a server at what is no address"});
  return context.setup.server_for({.app = ids.app,
                                   .generation = ids.generation,
                                   .plan = release.plan,
                                   .identity = identity_of(release),
                                   .address = *address,
                                   .v6only = query.v6only,
                                   .index = query.index});
}

}  // namespace

std::expected<WorkerLinks, std::string> make_links(const WorkerContext& context, const core::Spawn& ids,
                                                   std::shared_ptr<const Release> release,
                                                   const LinkHandlers& handlers) {
  WorkerLinks links;
  if (release->plan.protocol != core::Protocol::node) return links;
  const auto server = [&context, ids, release](const node::ServerQuery& query)
      -> std::expected<ServerSocket, ServerRefusal> {
    auto socket = find_socket(context, ids, *release, query);
    if (!socket) return std::unexpected(std::move(socket.error()));
    return ServerSocket{socket->fd, context.setup.server_data(ids.app, node::key_of(query), query.data)};
  };
  auto link = NodeLink::open(context.setup.loop, {release->plan.ready.when, release->plan.drain_message},
                             {.link = handlers, .server = server});
  if (!link) return std::unexpected(link.error().message());
  links.push_back(std::move(*link));
  return links;
}

}  // namespace liveswap::master
