#include "ctl/client.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "os/sockaddr.hpp"
#include "os/socket.hpp"
#include "wire/control.hpp"

namespace liveswap::ctl {

namespace {

std::unexpected<NoReply> gone(std::string text) {
  return std::unexpected(NoReply{NoReply::Why::gone, std::move(text)});
}

std::unexpected<NoReply> no_varlink(std::string text) {
  return std::unexpected(NoReply{NoReply::Why::no_varlink, std::move(text)});
}

std::unexpected<NoReply> failed(std::string_view call) { return gone(os::fail(call).error().message()); }

os::Result<os::OwnedFd> take_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return os::fail("sigprocmask");
  os::OwnedFd fd{os::adopt, ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd) return os::fail("signalfd");
  return fd;
}

}  // namespace

Client::Client(os::OwnedFd socket, os::OwnedFd signals, std::string path)
    : socket_(std::move(socket)), signals_(std::move(signals)), path_(std::move(path)) {}

os::Result<Client> Client::open(const std::string& path) {
  const auto address = os::SocketAddress::unix_path(path);
  if (!address) return std::unexpected(address.error());
  auto socket = os::open_socket(AF_UNIX, SOCK_STREAM);
  if (!socket) return std::unexpected(socket.error());
  // A master that hangs has a full backlog one day; a connect that waits there cannot be polled.
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  if (::setsockopt(socket->get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) {
    return os::fail("setsockopt", "SO_SNDTIMEO");
  }
  if (const auto connected = os::connect_to(*socket, *address); !connected)
    return std::unexpected(connected.error());
  auto signals = take_signals();
  if (!signals) return std::unexpected(signals.error());
  return Client(std::move(*socket), std::move(*signals), path);
}

std::optional<uid_t> Client::peer_uid() const {
  const auto peer = os::peer_credentials(socket_);
  return peer ? std::optional(peer->uid) : std::nullopt;
}

std::expected<void, NoReply> Client::wait_for(short events, std::optional<Clock::time_point> deadline) {
  std::array<pollfd, 2> polled{{{events == 0 ? -1 : socket_.get(), events, 0}, {signals_.get(), POLLIN, 0}}};
  for (;;) {
    int timeout = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
      timeout = static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000));
    }
    const int ready = os::retry_interrupted([&] { return ::poll(polled.data(), polled.size(), timeout); });
    if (ready < 0) return failed("poll");
    if (polled[1].revents != 0) return std::unexpected(NoReply{NoReply::Why::interrupted, ""});
    if (polled[0].revents != 0) return {};
    if (deadline && Clock::now() >= *deadline) return std::unexpected(NoReply{NoReply::Why::late, ""});
  }
}

std::expected<void, NoReply> Client::send(const wire::varlink::Call& call) {
  const std::string bytes = write_call(call);
  if (bytes.size() > wire::kMaxJsonBytes) return no_varlink("the call is longer than a master takes");
  for (std::size_t sent = 0; sent < bytes.size();) {
    const auto put =
        ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) {
      sent += static_cast<std::size_t>(put);
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return {};  // what it may have said before it closed is read by next()
    } else if (errno == EAGAIN) {
      if (auto waited = wait_for(POLLOUT, std::nullopt); !waited) return waited;
    } else if (errno != EINTR) {
      return failed("send");
    }
  }
  return {};
}

std::expected<void, NoReply> Client::receive() {
  std::array<char, 65536> buffer;
  const auto got = os::retry_interrupted(
      [&] { return ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT); });
  if (got == 0) return gone("it closed the connection");
  if (got < 0) return errno == EAGAIN ? std::expected<void, NoReply>{} : failed("recv");
  const auto fed = in_.feed({buffer.data(), static_cast<std::size_t>(got)});
  return fed ? std::expected<void, NoReply>{} : no_varlink("it sent a reply that is too long");
}

std::expected<wire::varlink::Reply, NoReply> Client::next(std::optional<Clock::time_point> deadline) {
  for (;;) {
    if (const auto message = in_.next()) {
      auto reply = wire::varlink::parse_reply(*message);
      if (!reply) return no_varlink("it sent what is no reply: " + std::string(reply.error().reason));
      return std::move(*reply);
    }
    if (auto waited = wait_for(POLLIN, deadline); !waited) return std::unexpected(waited.error());
    if (auto received = receive(); !received) return std::unexpected(received.error());
  }
}

std::expected<void, NoReply> Client::pause(Clock::duration wait) {
  const auto waited = wait_for(POLLIN, Clock::now() + wait);
  if (waited) return gone("it closed the connection");
  return waited.error().why == NoReply::Why::late ? std::expected<void, NoReply>{} : waited;
}

std::expected<void, NoReply> Client::rest(Clock::duration wait) {
  const auto waited = wait_for(0, Clock::now() + wait);
  return waited || waited.error().why == NoReply::Why::late ? std::expected<void, NoReply>{} : waited;
}

std::expected<wire::varlink::Reply, NoReply> Client::ask(std::string_view method, wire::Json parameters,
                                                         Clock::duration patience) {
  const auto deadline = Clock::now() + patience;
  std::string name = method.find('.') == std::string_view::npos
                         ? std::string(wire::control::kInterface) + "." + std::string(method)
                         : std::string(method);
  if (auto sent = send({.method = std::move(name), .parameters = std::move(parameters)}); !sent) {
    return std::unexpected(sent.error());
  }
  return next(deadline);
}

}  // namespace liveswap::ctl
