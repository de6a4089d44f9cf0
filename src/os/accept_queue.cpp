#include "os/accept_queue.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <charconv>

#include "os/file.hpp"
#include "os/sock_diag.hpp"
#include "os/socket_option.hpp"

namespace liveswap::os {
namespace {

// For a listener, the two fields have another meaning than their names: its queue and its backlog.
Result<AcceptQueue> tcp_queue(FdRef listener) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(listener.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == -1) {
    return fail("getsockopt TCP_INFO", listener.get());
  }
  return AcceptQueue{info.tcpi_unacked, info.tcpi_sacked};
}

Result<AcceptQueue> unix_queue(FdRef listener) {
  struct stat status {};
  if (::fstat(listener.get(), &status) == -1) return fail("fstat", listener.get());
  const auto socket = find_unix_socket(static_cast<std::uint32_t>(status.st_ino));
  if (!socket) return std::unexpected(socket.error());
  return AcceptQueue{socket->receive_queue, socket->send_queue};
}

}  // namespace

Result<AcceptQueue> accept_queue(FdRef listener) {
  const auto listening = get_option(listener, option::kListening);
  if (!listening) return std::unexpected(listening.error());
  if (*listening == 0)
    return fail_with(EINVAL, "descriptor " + std::to_string(listener.get()) + " does not listen");
  const auto domain = get_option(listener, option::kDomain);
  if (!domain) return std::unexpected(domain.error());
  return *domain == AF_UNIX ? unix_queue(listener) : tcp_queue(listener);
}

int somaxconn() {
  const auto text = read_file("/proc/sys/net/core/somaxconn", 32);
  int value = SOMAXCONN;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

}  // namespace liveswap::os
