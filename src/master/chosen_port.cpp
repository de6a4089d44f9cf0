#include "master/chosen_port.hpp"

#include "master/listener_options.hpp"
#include "master/listener_socket.hpp"
#include "os/socket.hpp"
#include "os/socket_option.hpp"

namespace liveswap::master {
namespace {

// Keeps the port from everybody else until ours has it. Only once it is chosen may it be shared: a socket that may
// share could be given a port that another process has.
os::Result<os::OwnedFd> hold_a_port(const os::SocketAddress& wanted, const core::Address& address,
                                    const core::SocketOptions& options) {
  auto holder = os::open_socket(wanted.family(), type_of(address.kind));
  if (!holder) return holder;
  auto done = set_listener_options(*holder, wanted.family(), address, options);
  if (done) done = os::set_option(*holder, os::option::kReuseAddress, 0);
  if (done) done = os::bind_socket(*holder, wanted);
  if (done) done = os::set_option(*holder, os::option::kReuseAddress, 1);
  if (!done) return std::unexpected(done.error());
  return holder;
}

}  // namespace

os::Result<void> bind_to_chosen_port(os::FdRef socket, const os::SocketAddress& wanted, const core::Address& address,
                                     const core::SocketOptions& options) {
  const auto holder = hold_a_port(wanted, address, options);
  if (!holder) return std::unexpected(holder.error());
  const auto chosen = os::local_address(*holder);
  if (!chosen) return std::unexpected(chosen.error());
  const auto before = os::get_option(socket, os::option::kReuseAddress);
  if (!before) return std::unexpected(before.error());
  if (auto shared = os::set_option(socket, os::option::kReuseAddress, 1); !shared) return shared;
  if (auto bound = os::bind_socket(socket, *chosen); !bound) return bound;
  return os::set_option(socket, os::option::kReuseAddress, *before);
}

}  // namespace liveswap::master
