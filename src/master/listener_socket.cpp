#include "master/listener_socket.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>

#include "master/chosen_port.hpp"
#include "master/listener_options.hpp"
#include "os/accept_queue.hpp"
#include "os/reuseport.hpp"
#include "os/sock_diag.hpp"
#include "os/socket.hpp"
#include "os/socket_filter.hpp"
#include "os/socket_option.hpp"
#include "os/socket_owner.hpp"

namespace liveswap::master {
namespace {

os::Result<os::SocketAddress> wanted_address(const core::Address& address, std::uint16_t port) {
  if (is_unix(address.kind)) {
    return address.abstract ? os::SocketAddress::unix_abstract(address.path)
                            : os::SocketAddress::unix_path(address.path);
  }
  if (address.host.empty()) return os::SocketAddress::ipv6("::", port);
  return address.host.contains(':') ? os::SocketAddress::ipv6(address.host, port)
                                    : os::SocketAddress::ipv4(address.host, port);
}

// What the operator may do about it, or whom to ask.
std::string hint_of(const SocketRequest& request, const os::SocketAddress& wanted, int code) {
  if (code == EADDRINUSE) {
    const auto owner = os::find_socket_owner(wanted, type_of(request.address.kind));
    return owner ? ": held by " + owner->text() : "";
  }
  if (code == ENOENT && is_unix(request.address.kind)) {
    const auto folder = std::filesystem::path(request.address.path).parent_path();
    std::error_code ignored;
    if (!std::filesystem::exists(folder, ignored))
      return fmt::format(": there is no directory {}", folder.string());
  }
  return "";
}

// Steps that do not name the address themselves get it put in front.
OpenFailure failure_of(const SocketRequest& request, const os::SocketAddress& wanted,
                       const os::Error& error) {
  const std::string where = wanted.text();
  const std::string prefix = error.what.contains(where) ? "" : where + ": ";
  return {prefix + error.message() + hint_of(request, wanted, error.code), error.code};
}

// Where two workers have shut a socket down, the second finds one that does not listen, and that lasts: each connection
// that it accepts later is shut down from the start. To dissolve the association that it has not got undoes it.
void undo_shutdown(os::FdRef socket) {
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  (void)::connect(socket.get(), &nobody, sizeof nobody);  // where it fails, so does listening
}

short poll_now(os::FdRef fd, short events) {
  pollfd asked{fd.get(), events, 0};
  return ::poll(&asked, 1, 0) == 1 ? asked.revents : short{0};
}

}  // namespace

os::Result<void> give_to(os::FdRef socket, uid_t owner) {
  if (::fchown(socket.get(), owner, static_cast<gid_t>(-1)) != 0) return os::fail("fchown", "socket");
  return {};
}

bool accepts(core::SocketKind kind) { return !is_datagram(kind); }

int type_of(core::SocketKind kind) {
  if (kind == core::SocketKind::unix_seqpacket) return SOCK_SEQPACKET;
  return is_datagram(kind) ? SOCK_DGRAM : SOCK_STREAM;
}

std::string planned_text(const core::Address& address, std::uint16_t port) {
  const auto wanted = wanted_address(address, port);
  return wanted ? wanted->text() : address.text;
}

std::expected<ListenerSocket, OpenFailure> ListenerSocket::open(const SocketRequest& request) {
  auto wanted = wanted_address(request.address, request.port);
  if (!wanted) return std::unexpected(OpenFailure{wanted.error().message(), wanted.error().code});
  const int type = type_of(request.address.kind) | (request.options.nonblock ? SOCK_NONBLOCK : 0);
  auto fd = os::open_socket(wanted->family(), type);
  if (!fd && fd.error().code == EAFNOSUPPORT && request.address.host.empty() &&
      wanted->family() == AF_INET6) {
    // Both families, on a machine that has but one.
    wanted = os::SocketAddress::ipv4("0.0.0.0", request.port);
    fd = os::open_socket(AF_INET, type);
  }
  if (!fd) return std::unexpected(failure_of(request, *wanted, fd.error()));

  ListenerSocket made(std::move(*fd), request.address.kind);
  made.is_side_ = request.membership == Membership::side;
  made.nonblock_ = request.options.nonblock;
  made.backlog_ = request.backlog;
  const auto done = made.set_up(request, *wanted);
  if (!done) return std::unexpected(failure_of(request, *wanted, done.error()));
  return made;
}

std::expected<ListenerSocket, OpenFailure> ListenerSocket::take(os::OwnedFd socket,
                                                                const SocketRequest& request) {
  const auto wanted = wanted_address(request.address, request.port);
  if (!wanted) return std::unexpected(OpenFailure{wanted.error().message(), wanted.error().code});
  ListenerSocket taken(std::move(socket), request.address.kind);
  taken.of_program_ = true;
  taken.is_side_ = request.membership == Membership::side;
  os::Result<void> done;
  if (!is_unix(taken.kind_)) done = os::set_option(taken.fd_, os::option::kReusePort, 1);
  if (done) done = taken.bind(request, *wanted);
  const auto bound = done ? os::local_address(taken.fd_) : std::unexpected(done.error());
  if (!bound) {
    taken.given_away_ = true;  // the program may try elsewhere with it
    return std::unexpected(failure_of(request, *wanted, bound.error()));
  }
  taken.address_ = *bound;
  return taken;
}

os::Result<ListenerSocket> ListenerSocket::adopt(os::OwnedFd socket, core::SocketKind kind) {
  ListenerSocket adopted(std::move(socket), kind);
  adopted.of_program_ = adopted.given_away_ = true;
  const auto bound = os::local_address(adopted.fd_);
  if (!bound) return std::unexpected(bound.error());
  adopted.address_ = *bound;
  if (auto shared = os::set_option(adopted.fd_, os::option::kReusePort, 1); !shared) {
    return std::unexpected(shared.error());
  }
  return adopted;
}

os::Result<void> ListenerSocket::listen_anew() {
  if (kind_ != core::SocketKind::tcp) return os::fail_with(EOPNOTSUPP, "listen");
  (void)::shutdown(fd_.get(), SHUT_RDWR);
  undo_shutdown(fd_);
  return listen();
}

os::Result<void> ListenerSocket::listen_as_asked(int backlog) {
  if (!accepts(kind_)) return {};
  return os::listen_on(fd_, backlog);
}

os::Result<void> ListenerSocket::set_up(const SocketRequest& request, const os::SocketAddress& wanted) {
  const bool is_anchor = request.membership == Membership::anchor;
  auto done = set_listener_options(fd_, wanted.family(), request.address, request.options);
  const bool is_filler = request.membership == Membership::filler;
  if (done && (is_anchor || is_filler) && !is_unix(kind_)) done = os::make_unreachable(fd_);
  const bool joins = is_filler || request.membership == Membership::side;
  if (done && joins && !is_unix(kind_)) done = os::set_option(fd_, os::option::kReusePort, 1);
  if (done && request.owner) done = give_to(fd_, *request.owner);
  if (done && request.held_back && !is_unix(kind_)) done = hold_back();
  if (done) done = bind(request, wanted);
  if (done && is_anchor && !is_unix(kind_)) done = os::set_option(fd_, os::option::kReusePort, 1);
  if (done && accepts(kind_) && !(is_anchor && is_unix(kind_))) done = listen();
  if (!done) return done;
  const auto bound = os::local_address(fd_);
  if (!bound) return std::unexpected(bound.error());
  address_ = *bound;
  return {};
}

os::Result<void> ListenerSocket::bind(const SocketRequest& request, const os::SocketAddress& wanted) {
  if (!is_unix(kind_) && wanted.port() == 0) {
    return bind_to_chosen_port(fd_, wanted, request.address, request.options);
  }
  if (!is_unix(kind_) || request.address.abstract) return os::bind_socket(fd_, wanted);
  auto path = ListenerPath::bind(fd_, request.address.path, request.rights);
  if (!path) return std::unexpected(path.error());
  path_ = std::move(*path);
  return {};
}

os::Result<void> ListenerSocket::listen() {
  const auto done = os::listen_on(fd_, backlog_);
  const auto queue = os::accept_queue(fd_);
  set_backlog_ = queue ? queue->backlog : 0;
  return done;
}

ListenerSocket::~ListenerSocket() {
  if (!fd_) return;
  // Closing is not enough where a process that a worker has left behind holds a copy: clients would connect to it, and
  // nobody could bind the address again.
  if (kind_ == core::SocketKind::tcp && !given_away_) (void)::shutdown(fd_.get(), SHUT_RDWR);
  if (!path_ || !path_->ours()) return;
  struct stat socket {};
  const bool known = ::fstat(fd_.get(), &socket) == 0;
  fd_.reset();
  const bool lives_on = known && os::find_unix_socket(static_cast<std::uint32_t>(socket.st_ino)).has_value();
  if (!lives_on || path_->hidden() || is_side_) path_->remove();
}

os::Result<void> ListenerSocket::hold_back() {
  if (held_back_) return {};
  os::Result<void> done;
  if (!is_unix(kind_)) {
    done = os::attach_pause_filter(fd_);
  } else if (path_) {
    done = path_->hide();
  } else {
    done = os::fail_with(0, fmt::format("{}: an abstract name cannot be hidden", address_.text()));
  }
  held_back_ = done.has_value();
  return done;
}

void ListenerSocket::let_few_in() {
  if (!accepts(kind_)) return;
  lets_few_in_ = os::listen_on(fd_, 0).has_value();
}

os::Result<void> ListenerSocket::let_in() {
  os::Result<void> done;
  if (std::exchange(lets_few_in_, false)) done = listen();
  if (!held_back_) return done;
  if (!is_unix(kind_)) done = os::detach_filter(fd_);
  if (path_) done = path_->show();
  held_back_ = !done.has_value();
  return done;
}

bool ListenerSocket::somebody_waits() const {
  if (accepts(kind_)) {
    const auto queue = os::accept_queue(fd_);
    if (queue) return queue->waiting > 0;
    if (queue.error().code == EINVAL)
      return false;  // a worker has shut it down, and the kernel dropped its queue
  }
  return (poll_now(fd_, POLLIN) & POLLIN) != 0;
}

bool ListenerSocket::is_shut_down() const {
  if (!accepts(kind_)) return false;
  const auto listening = os::get_option(fd_, os::option::kListening);
  return listening && *listening == 0;
}

std::vector<std::string> ListenerSocket::reassert() {
  std::vector<std::string> changes;
  for (std::string& change : std::array{reassert_backlog(), look_at_nonblock()}) {
    if (!change.empty()) changes.push_back(std::move(change));
  }
  return changes;
}

void ListenerSocket::describe(ListenerRow& row) const {
  if (const auto queue = os::accept_queue(fd_)) {
    row.queue = queue->waiting;
    row.backlog = queue->backlog;
  }
  if (kind_ != core::SocketKind::udp) return;
  if (const auto dropped = os::dropped_packets(fd_)) row.dropped = *dropped;
}

std::string ListenerSocket::reassert_backlog() {
  if (!accepts(kind_) || lets_few_in_ || of_program_) return "";
  if (is_unix(kind_) && (poll_now(fd_, POLLRDHUP) & POLLRDHUP) != 0) {
    return once("a worker has shut the socket down: nobody can connect until its apps are stopped and started");
  }
  const auto before = os::accept_queue(fd_);
  if (before && before->backlog == set_backlog_) return "";
  const bool shut_down = !before && before.error().code == EINVAL;
  if (shut_down) undo_shutdown(fd_);
  if (const auto done = listen(); !done) {
    return once(shut_down ? lost_text(done.error()) : done.error().message());
  }
  trouble_.clear();
  if (shut_down) return "a worker had shut the socket down: it listens again";
  if (!before) return "";
  return fmt::format("a worker had set its backlog to {}: put back to {}", before->backlog, set_backlog_);
}

// What cannot be mended is found again at each look.
std::string ListenerSocket::once(std::string trouble) {
  if (trouble == trouble_) return "";
  trouble_ = std::move(trouble);
  return trouble_;
}

// Until it listens again, its port is held, but a socket that may share it can listen there first.
std::string ListenerSocket::lost_text(const os::Error& error) const {
  const auto owner = error.code == EADDRINUSE ? os::find_socket_owner(address_, type_of(kind_)) : std::nullopt;
  return fmt::format("a worker has shut the socket down, and its address is lost: {}{}; nobody can connect until it "
                     "is free again",
                     error.message(), owner ? ": held by " + owner->text() : "");
}

std::string ListenerSocket::look_at_nonblock() {
  if (of_program_) return "";
  const auto now = os::is_nonblock(fd_);
  if (!now || *now == nonblock_) return "";
  nonblock_ = *now;
  return nonblock_ ? "a worker has made it non-blocking, for every worker that shares it (O_NONBLOCK)"
                   : "a worker has made it blocking, for every worker that shares it (O_NONBLOCK)";
}

}  // namespace liveswap::master
