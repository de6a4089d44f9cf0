#include "master/worker_links.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "master/einhorn_link.hpp"
#include "master/inherit_link.hpp"
#include "master/node_link.hpp"
#include "master/notify_fd_link.hpp"
#include "master/preload_link.hpp"
#include "master/ready_fd_link.hpp"
#include "protocols/environment.hpp"
#include "protocols/inheritance.hpp"

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
    const auto sockets = context.setup.sockets_for(user_of(release, ids), release.plan.listeners);
    if (!sockets) return std::unexpected(ServerRefusal{ENOBUFS, "asks for a server: " + sockets.error()});
    return socket_numbered(*sockets, query.descriptor);
  }
  const auto address = address_of(query);
  if (!address) return std::unexpected(ServerRefusal{EINVAL, "asks for a server at what is no address"});
  return context.setup.server_for({.worker = ids,
                                   .plan = release.plan,
                                   .identity = identity_of(release),
                                   .address = *address,
                                   .v6only = query.v6only,
                                   .index = query.index});
}

// Makes a worker's links, one after the other; the first that fails is told.
class Maker {
 public:
  Maker(const LinkRequest& request, const LinkHandlers& handlers) : request_(request), handlers_(handlers) {}

  // In the order of their descriptors, as config/descriptors.cpp shows them.
  std::expected<WorkerLinks, std::string> make() {
    const core::AppPlan& plan = request_.release->plan;
    if (plan.protocol == core::Protocol::node) add(node());
    if (plan.protocol == core::Protocol::einhorn) add(einhorn());
    if (request_.preloaded != nullptr) preload(*request_.preloaded);
    if (plan.inherit_as) inherit(*plan.inherit_as);
    if (plan.notify_fd) add(notify_fd());
    if (plan.ready.when == core::ReadyWhen::fd) add(ready_fd(plan.ready.fd));
    if (!error_.empty()) return std::unexpected(error_);
    return std::move(links_);
  }

 private:
  [[nodiscard]] loop::Loop& loop() const { return request_.context.setup.loop; }

  // Of the next link, where it was left by the master before; each has the kind that its plan asks for.
  template <class State>
  std::optional<State> left() {
    if (!request_.left || next_ >= request_.left->size()) return std::nullopt;
    const auto* state = std::get_if<State>(&(*request_.left)[next_++]);
    return state != nullptr ? std::optional(*state) : std::nullopt;
  }

  os::Result<std::unique_ptr<EinhornLink>> einhorn() {
    const uid_t worker = request_.release->worker_uid();
    if (auto state = left<SocketLinkState>()) return EinhornLink::go_on(loop(), worker, handlers_, std::move(*state));
    return EinhornLink::open(loop(), request_.address("-einhorn"), worker, handlers_);
  }

  os::Result<std::unique_ptr<ReadyFdLink>> ready_fd(int number) {
    if (auto state = left<ReadyPipeState>()) return ReadyFdLink::go_on(loop(), number, handlers_, std::move(*state));
    return ReadyFdLink::open(loop(), number, handlers_);
  }

  template <class Link>
  void add(os::Result<std::unique_ptr<Link>> link) {
    if (!link) return fail(link.error().message());
    links_.push_back(std::move(*link));
  }

  void fail(std::string error) {
    if (error_.empty()) error_ = std::move(error);
  }

  os::Result<std::unique_ptr<NodeLink>> node() {
    const core::AppPlan& plan = request_.release->plan;
    const auto server = [&context = request_.context, ids = request_.ids, release = request_.release](
                            const node::ServerQuery& query) -> std::expected<ServerSocket, ServerRefusal> {
      auto socket = find_socket(context, ids, *release, query);
      if (!socket) return std::unexpected(std::move(socket.error()));
      // libuv takes it for granted, and before Node 20 would wait in accept for a client who does not come.
      if (const auto set = os::set_nonblock(socket->fd, true); !set) {
        return std::unexpected(ServerRefusal{set.error().code, set.error().message()});
      }
      return ServerSocket{socket->fd, context.setup.server_data(ids.app, node::key_of(query), query.data)};
    };
    const NodeLink::Settings settings{plan.ready.when, plan.drain_message};
    const NodeLink::Handlers handlers{.link = handlers_, .server = server};
    if (auto state = left<NodeLinkState>()) return NodeLink::go_on(loop(), settings, handlers, std::move(*state));
    return NodeLink::open(loop(), settings, handlers);
  }

  void preload(BindWatch& binds) {
    const auto& library = request_.context.setup.bind_library;
    if (!library) return fail(library.error());
    const uid_t worker = request_.release->worker_uid();
    if (auto state = left<SocketLinkState>()) {
      return add(PreloadLink::go_on(loop(), *library, worker, binds, handlers_, std::move(*state)));
    }
    add(PreloadLink::open(loop(), request_.address("-bind").abstract, *library, worker, binds, handlers_));
  }

  void inherit(core::InheritAs inherit_as) {
    const core::AppPlan& plan = request_.release->plan;
    std::vector<protocols::HandedSocket> sockets;
    int number = plan.first_descriptor();
    const auto bound = request_.context.setup.sockets_for(user_of(*request_.release, request_.ids), plan.listeners);
    if (!bound) return fail(bound.error());
    for (const BoundSocket& socket : *bound) sockets.push_back(handed(socket, number++));
    auto pipes = protocols::inheritance_pipes(inherit_as, sockets);
    if (!pipes) return;
    if (auto state = left<ReadyPipeState>()) {
      return add(InheritLink::go_on(loop(), std::move(*pipes), handlers_, std::move(*state)));
    }
    add(InheritLink::open(loop(), std::move(*pipes), handlers_));
  }

  os::Result<std::unique_ptr<NotifyFdLink>> notify_fd() {
    const auto said = [release = request_.release, said = handlers_.said](std::string_view text, std::size_t fds) {
      said(release->protocol->from_notification(text, fds));
    };
    const NotifySocket::Handlers handlers{.said = said, .problem = handlers_.problem};
    const uid_t worker = request_.release->worker_uid();
    if (auto state = left<SocketLinkState>()) return NotifyFdLink::go_on(loop(), worker, handlers, handlers_, *state);
    return NotifyFdLink::open(loop(), worker, handlers, handlers_);
  }

  const LinkRequest& request_;
  const LinkHandlers& handlers_;
  WorkerLinks links_;
  std::size_t next_ = 0;  // of what was left
  std::string error_;
};

}  // namespace

std::expected<WorkerLinks, std::string> make_links(const LinkRequest& request, const LinkHandlers& handlers) {
  return Maker(request, handlers).make();
}

}  // namespace liveswap::master
