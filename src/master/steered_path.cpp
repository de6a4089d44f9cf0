#include "master/steered_path.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <tuple>

#include "os/file_rights.hpp"
#include "os/unix_probe.hpp"

namespace liveswap::master {
namespace {

const os::FileIdentity* maker_of(const SocketRequest& request) {
  return request.rights.maker ? &*request.rights.maker : nullptr;
}

const Side* best_of(std::span<const ChosenSide> chosen) {
  const auto rank = [](const ChosenSide& one) { return std::tuple(one.workers, one.side->generation); };
  const auto best = std::ranges::max_element(chosen, {}, rank);
  return best == chosen.end() ? nullptr : best->side;
}

}  // namespace

std::expected<std::unique_ptr<SteeredPath>, OpenFailure> SteeredPath::open(const SocketRequest& request) {
  SocketRequest first = request;
  first.membership = Membership::anchor;
  auto reserved = ListenerSocket::open(first);
  if (!reserved) return std::unexpected(std::move(reserved.error()));
  return std::unique_ptr<SteeredPath>(new SteeredPath(std::move(*reserved), request));
}

SteeredPath::~SteeredPath() { (void)hold_back(); }

// Numbers can be taken by a listener that has lost the path to this one.
SocketRequest SteeredPath::request_for_side() {
  core::Address& address = addresses_.emplace_back(request_.address);
  do {
    address.path = fmt::format("{}.{}", request_.address.path, next_number_++);
  } while (os::probe_unix(address.path) == os::UnixPath::in_use);
  return {.address = address,
          .options = request_.options,
          .rights = request_.rights,
          .backlog = request_.backlog,
          .membership = Membership::side};
}

std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> SteeredPath::open_side() {
  auto socket = ListenerSocket::open(request_for_side());
  if (!socket) return std::unexpected(std::move(socket.error()));
  return std::make_unique<ListenerSocket>(std::move(*socket));
}

std::expected<os::FdRef, OpenFailure> SteeredPath::socket_for(const SocketUser& user) {
  const auto side = sides_.side_for(user, [this] { return open_side(); });
  if (!side) return std::unexpected(side.error());
  return (*side)->socket->fd();
}

bool SteeredPath::is_ours(dev_t device, ino_t inode) const {
  const auto is_it = [&](const ListenerSocket& socket) { return socket.has_file(device, inode); };
  return is_it(reserved_) || std::ranges::any_of(sides_.all(), [&](const Side& side) { return is_it(*side.socket); });
}

bool SteeredPath::can_be_found() const {
  struct stat found {};
  return ::lstat(request_.address.path.c_str(), &found) == 0 && is_ours(found.st_dev, found.st_ino);
}

// It leads to whom new clients find now or, before anybody was chosen, to whoever has a socket. Where nobody has one,
// the first who is chosen is shown.
bool SteeredPath::show_again() {
  struct stat found {};
  if (held_back_ || ::lstat(request_.address.path.c_str(), &found) == 0 || errno != ENOENT) return false;
  std::vector<ChosenSide> chosen = sides_.chosen();
  if (best_of(chosen) == nullptr) {
    for (Side& side : sides_.all()) chosen.push_back({&side, 0});
  }
  return show(chosen).has_value();
}

// Where the path leads elsewhere, nothing new comes to any side.
bool SteeredPath::starved(core::WorkerId worker) { return sides_.starved(worker, held_back_ || !can_be_found()); }

// A file that somebody else has put there is not replaced.
os::Result<void> SteeredPath::show(std::span<const ChosenSide> chosen) {
  const Side* side = best_of(chosen);
  if (side == nullptr) return {};
  const std::string& path = request_.address.path;
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (side->socket->has_file(found.st_dev, found.st_ino)) return {};
    if (!is_ours(found.st_dev, found.st_ino)) {
      return os::fail_with(EEXIST, fmt::format("{} is not this listener's file any more", path));
    }
  }
  const os::FileRights rights(maker_of(request_));
  if (!rights.taken()) return rights.taken();
  const std::string its = side->socket->address().unix_name();
  const std::string next = fmt::format("{}.next-{}", path, ::getpid());
  (void)::unlink(next.c_str());
  if (::link(its.c_str(), next.c_str()) != 0) return os::fail("link", its);
  if (::rename(next.c_str(), path.c_str()) != 0) {
    auto failed = os::fail("rename", next);
    (void)::unlink(next.c_str());
    return failed;
  }
  return {};
}

os::Result<void> SteeredPath::steer(std::span<const core::WorkerId> workers) {
  auto chosen = sides_.of(workers);
  if (!held_back_) {
    if (auto done = show(chosen); !done) return done;
  }
  sides_.choose(std::move(chosen), workers);
  return {};
}

os::Result<void> SteeredPath::hold_back() {
  if (held_back_) return {};
  if (can_be_found()) {
    const os::FileRights rights(maker_of(request_));
    if (!rights.taken()) return rights.taken();
    if (::unlink(request_.address.path.c_str()) != 0) return os::fail("unlink", request_.address.path);
  }
  held_back_ = true;
  return {};
}

os::Result<void> SteeredPath::let_in() {
  if (!held_back_) return {};
  auto done = show(sides_.chosen());
  held_back_ = !done.has_value();
  return done;
}

std::vector<std::string> SteeredPath::reassert() {
  std::vector<std::string> changes;
  for (Side& side : sides_.all()) std::ranges::move(side.socket->reassert(), std::back_inserter(changes));
  return changes;
}

// ---- sockets that programs have made ----

std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> SteeredPath::take_in(os::OwnedFd socket) {
  auto taken = ListenerSocket::take(std::move(socket), request_for_side());
  if (!taken) return std::unexpected(std::move(taken.error()));
  return std::make_unique<ListenerSocket>(std::move(*taken));
}

os::Result<void> SteeredPath::join(const SocketUser& user, std::unique_ptr<ListenerSocket>& socket, int backlog) {
  if (auto listening = socket->listen_as_asked(backlog); !listening) return listening;
  (void)sides_.add(user, std::move(socket));
  os::Result<void> done;
  if (sides_.is_chosen_worker(user.worker.worker)) done = steer(std::vector(sides_.chosen_workers()));
  remove_useless();
  return done;
}

void SteeredPath::left(core::WorkerId worker) {
  sides_.left(worker);
  remove_useless();
  if (!sides_.chosen().empty()) (void)show_again();  // programs remove their path when they end, whoever has it by then
}

void SteeredPath::abandon(os::FdRef socket) {
  sides_.abandon(socket);
  (void)steer(std::vector(sides_.chosen_workers()));
  remove_useless();
}

std::optional<os::FdRef> SteeredPath::take_abandoned(const SocketUser& user) {
  const Side* side = sides_.take_abandoned(user);
  if (side == nullptr) return std::nullopt;
  if (sides_.is_chosen_worker(user.worker.worker)) (void)steer(std::vector(sides_.chosen_workers()));
  return side->socket->fd();
}

void SteeredPath::remove_useless() {
  while (const Side* side = sides_.useless()) sides_.remove(*side);
}

}  // namespace liveswap::master
