#include "master/steered_socket.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "master/listeners_state.hpp"
#include "os/reuseport.hpp"
#include "os/sock_diag.hpp"

namespace liveswap::master {
namespace {

GroupOrder::Member member_of(os::FdRef socket) { return static_cast<GroupOrder::Member>(socket.get()); }
// Above all numbers of descriptors.
GroupOrder::Member member_of(std::uint32_t inode) { return (GroupOrder::Member{1} << 32U) + inode; }

std::uint32_t inode_of(os::FdRef socket) {
  struct stat info {};
  return ::fstat(socket.get(), &info) == 0 ? static_cast<std::uint32_t>(info.st_ino) : 0;
}

}  // namespace

SteeredSocket::SteeredSocket(ListenerSocket anchor, const SocketRequest& request, core::Queues queues)
    : anchor_(std::move(anchor)), request_(request), queues_(queues), held_back_(request.held_back) {
  request_.port = anchor_.address().port();
  request_.membership = Membership::side;
  request_.held_back = false;
  order_.join(member_of(anchor_.fd()));
}

std::expected<std::unique_ptr<SteeredSocket>, OpenFailure> SteeredSocket::open(const SocketRequest& request,
                                                                               core::Queues queues) {
  SocketRequest first = request;
  first.membership = Membership::anchor;
  first.held_back = false;
  auto anchor = ListenerSocket::open(first);
  if (!anchor) return std::unexpected(std::move(anchor.error()));
  return std::unique_ptr<SteeredSocket>(new SteeredSocket(std::move(*anchor), request, queues));
}

// The kernel makes a group of them when the anchor joins, which comes last. Of several that had been a group before the
// order is not known, so none of them may ever leave alone: all get what is new, or none does.
std::expected<std::unique_ptr<SteeredSocket>, OpenFailure> SteeredSocket::around(const SocketRequest& request,
                                                                                 const SocketUser& user,
                                                                                 std::vector<os::OwnedFd> sockets) {
  const auto failure = [](const os::Error& error) { return std::unexpected(OpenFailure{error.message(), error.code}); };
  struct stat first {};
  if (::fstat(sockets.front().get(), &first) != 0) return failure(os::fail("fstat").error());
  std::vector<std::unique_ptr<ListenerSocket>> adopted;
  for (os::OwnedFd& socket : sockets) {
    auto one = ListenerSocket::adopt(std::move(socket), request.address.kind, request.keeper);
    if (!one) return failure(one.error());
    adopted.push_back(std::make_unique<ListenerSocket>(std::move(*one)));
  }
  SocketRequest last = request;
  last.membership = Membership::filler;
  last.owner = first.st_uid;
  auto anchor = ListenerSocket::open(last);
  if (!anchor) return std::unexpected(std::move(anchor.error()));
  std::unique_ptr<SteeredSocket> made(new SteeredSocket(std::move(*anchor), request, core::Queues::one));
  made->order_ = {};
  for (auto& socket : adopted) {
    made->order_.join(member_of(socket->fd()));
    made->sides_.add(user, std::move(socket)).of_program = adopted.size() == 1;
  }
  made->order_.join(member_of(made->anchor_.fd()));
  const std::vector its{user.worker.worker};
  if (auto done = made->steer(its); !done) return failure(done.error());
  return made;
}

std::set<std::uint32_t> SteeredSocket::own_inodes() const {
  std::set<std::uint32_t> inodes{inode_of(anchor_.fd())};
  for (const Side& side : sides_.all()) inodes.insert(inode_of(side.socket->fd()));
  for (const ListenerSocket& filler : fillers_) inodes.insert(inode_of(filler.fd()));
  return inodes;
}

// Any program of the same user may bind the address, too, and be a member. It comes last, as ours do, and is given
// nothing; but it has a number, and so is counted along: looked for before ours join or leave.
void SteeredSocket::count_strangers() {
  const int type = core::is_datagram(kind()) ? SOCK_DGRAM : SOCK_STREAM;
  const auto all = os::list_inet_sockets(address().family(), type, address().port());
  if (!all) return;
  const std::set<std::uint32_t> own = own_inodes();
  std::set<std::uint32_t> there;
  for (const os::InetSocket& socket : *all) {
    if (socket.inode != 0 && socket.local == address() && !own.contains(socket.inode)) there.insert(socket.inode);
  }
  if (there == strangers_) return;
  for (const std::uint32_t inode : strangers_) {
    if (!there.contains(inode)) order_.leave(member_of(inode));
  }
  for (const std::uint32_t inode : there) {
    if (!strangers_.contains(inode)) order_.join(member_of(inode));
  }
  strangers_ = std::move(there);
  (void)select_in_force();
}

std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> SteeredSocket::open_side() {
  auto socket = ListenerSocket::open(request_);
  if (!socket) return std::unexpected(std::move(socket.error()));
  has_joined(socket->fd());
  return std::make_unique<ListenerSocket>(std::move(*socket));
}

// Where a worker that had the side before has shut its socket down and has it listen again, nobody was told, and the
// side has another number than was counted along. Once it has left and joined anew it is the last one, in either case.
void SteeredSocket::make_sure_of_number(Side& side) {
  if (sides_.is_chosen(side) || side.socket->somebody_waits()) return;
  if (side.socket->listen_anew()) listens_again(side.socket->fd());
}

std::expected<os::FdRef, OpenFailure> SteeredSocket::socket_for(const SocketUser& user) {
  count_strangers();
  const SocketUser mine{user.worker, user.own_queue || queues_ == core::Queues::per_worker};
  const bool is_new = sides_.of_worker(user.worker.worker).empty();
  const std::size_t before = sides_.all().size();
  const auto side = sides_.side_for(mine, [this] { return open_side(); });
  if (!side) return std::unexpected(side.error());
  keep_fillers_last();
  if (is_new && sides_.all().size() == before && (*side)->users.size() == 1) make_sure_of_number(**side);
  const bool is_chosen = sides_.is_chosen_worker(user.worker.worker);
  const auto done = is_chosen ? steer(std::vector(sides_.chosen_workers())) : select_in_force();
  if (!done) return std::unexpected(OpenFailure{done.error().message(), done.error().code});
  return (*side)->socket->fd();
}

// Nobody chosen: the anchor, which lets clients wait. Alone it gets everything, and a UDP socket is no group yet.
os::Result<void> SteeredSocket::select(std::span<const ChosenSide> chosen) {
  if (sides_.all().empty()) return {};
  std::vector<os::MemberShare> shares;
  for (const ChosenSide& one : chosen) {
    const auto number = order_.number_of(member_of(one.side->socket->fd()));
    if (number) shares.push_back({*number, one.workers});
  }
  if (shares.empty()) shares.push_back({order_.number_of(member_of(anchor_.fd())).value_or(0), 1});
  return os::select_members(anchor_.fd(), shares);
}

// Workers that have no socket of it yet get what is new once they have.
os::Result<void> SteeredSocket::steer(std::span<const core::WorkerId> workers) {
  count_strangers();
  auto chosen = sides_.of(workers);
  if (!chosen.empty() && !held_back_) {
    if (auto done = select(chosen); !done) return done;
  }
  const bool leaves_some = sides_.choose(std::move(chosen), workers);
  if (leaves_some && kind() == core::SocketKind::tcp) handshakes_.note(address());
  return {};
}

bool SteeredSocket::starved(core::WorkerId worker) {
  if (!sides_.starved(worker, held_back_)) return false;
  return std::ranges::none_of(sides_.of_worker(worker), &OwnSocket::serves_alone) || !handshakes_.any_left();
}

os::Result<void> SteeredSocket::select_in_force() {
  return select(held_back_ ? std::span<const ChosenSide>() : sides_.chosen());
}

os::Result<void> SteeredSocket::hold_back() {
  if (held_back_) return {};
  auto done = select({});
  held_back_ = done.has_value();
  if (held_back_ && kind() == core::SocketKind::tcp) handshakes_.note(address());
  return done;
}

os::Result<void> SteeredSocket::let_in() {
  if (!held_back_) return {};
  auto done = select(sides_.chosen());
  held_back_ = !done.has_value();
  return done;
}

// A socket that a worker has shut down has left the group, and joins it anew: others have got new numbers by it.
std::vector<std::string> SteeredSocket::reassert() {
  std::vector<Side*> shut_down;
  for (Side& side : sides_.all()) {
    if (!side.socket->is_shut_down()) continue;
    order_.leave(member_of(side.socket->fd()));
    shut_down.push_back(&side);
  }
  std::vector<std::string> changes;
  for (Side& side : sides_.all()) std::ranges::move(side.socket->reassert(), std::back_inserter(changes));
  if (!strangers_.empty() && !std::exchange(told_strangers_, true)) {
    changes.push_back("another program has bound " + address().text() + ", too (SO_REUSEPORT); it gets no connection");
  }
  if (shut_down.empty()) return changes;
  std::erase_if(shut_down, [](const Side* side) { return side->socket->is_shut_down(); });
  for (const Side* side : shut_down) order_.join(member_of(side->socket->fd()));
  for (std::size_t i = 0; i < shut_down.size(); ++i) give_up_filler();  // once all have joined, as they have already
  keep_fillers_last();
  if (const auto done = select_in_force(); !done) changes.push_back(done.error().message());
  return changes;
}

// ---- from master to master ----

std::vector<const ListenerSocket*> SteeredSocket::own_members() const {
  std::vector<const ListenerSocket*> members{&anchor_};
  for (const Side& side : sides_.all()) members.push_back(side.socket.get());
  for (const ListenerSocket& filler : fillers_) members.push_back(&filler);
  return members;
}

EndpointState SteeredSocket::save() const {
  SteeredSocketState state{.anchor = anchor_.own_state(),
                           .queues = queues_,
                           .sides = sides_.save(),
                           .fillers = {},
                           .order = {},
                           .held_back = held_back_};
  for (const ListenerSocket& filler : fillers_) state.fillers.push_back(filler.own_state());
  std::map<GroupOrder::Member, MemberState> names;
  for (const ListenerSocket* socket : own_members()) names[member_of(socket->fd())] = {.number = socket->number()};
  for (const std::uint32_t inode : strangers_) names[member_of(inode)] = {.stranger = inode};
  for (const GroupOrder::Member member : order_.members()) state.order.push_back(names[member]);
  return {.address = 0, .socket = std::move(state)};
}

std::expected<std::unique_ptr<SteeredSocket>, OpenFailure> SteeredSocket::restore(const SocketRequest& request,
                                                                                  SteeredSocketState state,
                                                                                  std::vector<std::string>& problems) {
  auto anchor = ListenerSocket::restore(std::move(state.anchor), *request.keeper);
  if (!anchor) return std::unexpected(OpenFailure{anchor.error().message(), anchor.error().code});
  std::unique_ptr<SteeredSocket> made(new SteeredSocket(std::move(*anchor), request, state.queues));
  made->held_back_ = state.held_back;
  for (std::string& problem : made->sides_.restore(std::move(state.sides), *request.keeper)) {
    problems.push_back(std::move(problem));
  }
  for (ListenerSocketState& saved : state.fillers) {
    if (auto filler = ListenerSocket::restore(std::move(saved), *request.keeper)) {
      made->fillers_.push_back(std::move(*filler));
    }
  }
  if (!made->restore_order(state.order)) made->join_all_anew();
  made->count_strangers();
  made->keep_fillers_last();
  if (auto done = made->select_in_force(); !done) problems.push_back(done.error().message());
  if (made->kind() == core::SocketKind::tcp) made->handshakes_.note(made->address());
  return made;
}

// False: who is in the group now is not who was when the order was saved, so that the numbers are not known.
bool SteeredSocket::restore_order(const std::vector<MemberState>& order) {
  order_ = {};
  std::map<std::uint64_t, GroupOrder::Member> members;
  for (const ListenerSocket* socket : own_members()) {
    if (!socket->is_shut_down()) members[socket->number()] = member_of(socket->fd());
  }
  std::size_t found = 0;
  for (const MemberState& saved : order) {
    if (saved.stranger != 0) {
      strangers_.insert(saved.stranger);
      order_.join(member_of(saved.stranger));
      continue;
    }
    const auto member = members.find(saved.number);
    if (member == members.end()) return false;
    order_.join(member->second);
    ++found;
  }
  return found == members.size();
}

// Whoever joins comes last, so the numbers of those that have joined anew are known again: those at which nobody waits,
// which a switch leaves to be done. The others are counted before them, in whatever order.
void SteeredSocket::join_all_anew() {
  order_ = {};
  strangers_.clear();
  fillers_.clear();
  std::vector<ListenerSocket*> again;
  order_.join(member_of(anchor_.fd()));
  for (Side& side : sides_.all()) {
    const bool can = kind() == core::SocketKind::tcp && !side.socket->somebody_waits();
    if (can) {
      again.push_back(side.socket.get());
    } else {
      order_.join(member_of(side.socket->fd()));
    }
  }
  for (ListenerSocket* socket : again) {
    if (socket->listen_anew()) order_.join(member_of(socket->fd()));
  }
}

// ---- sockets that programs have made ----

// Members of a group belong to one user. The first one's owner is the group's: the anchor follows it.
os::Result<void> SteeredSocket::give_common_owner(os::FdRef socket) {
  struct stat its {}, group {};
  if (::fstat(socket.get(), &its) != 0 || ::fstat(anchor_.fd().get(), &group) != 0) return os::fail("fstat");
  if (its.st_uid == group.st_uid) return {};
  const bool is_first = sides_.all().empty();
  return is_first ? give_to(anchor_.fd(), its.st_uid) : give_to(socket, group.st_uid);
}

std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> SteeredSocket::take_in(os::OwnedFd socket) {
  if (const auto owned = give_common_owner(socket); !owned) {
    return std::unexpected(OpenFailure{owned.error().message(), owned.error().code});
  }
  auto taken = ListenerSocket::take(std::move(socket), request_);
  if (!taken) return std::unexpected(std::move(taken.error()));
  return std::make_unique<ListenerSocket>(std::move(*taken));
}

os::Result<void> SteeredSocket::join(const SocketUser& user, std::unique_ptr<ListenerSocket>& socket, int backlog) {
  count_strangers();
  if (auto listening = socket->listen_as_asked(backlog); !listening) return listening;
  has_joined(socket->fd());
  (void)sides_.add(user, std::move(socket));
  keep_fillers_last();
  auto done = sides_.is_chosen_worker(user.worker.worker) ? steer(std::vector(sides_.chosen_workers()))
                                                          : select_in_force();
  remove_useless();
  return done;
}

// The program had shut it down before, and so it had left the group.
void SteeredSocket::listens_again(os::FdRef socket) {
  order_.leave(member_of(socket));
  has_joined(socket);
  keep_fillers_last();
  (void)select_in_force();
}

void SteeredSocket::left(core::WorkerId worker) {
  count_strangers();
  sides_.left(worker);
  remove_useless();
}

// Others that get what is new get its share.
void SteeredSocket::abandon(os::FdRef socket) {
  sides_.abandon(socket);
  (void)steer(std::vector(sides_.chosen_workers()));
  remove_useless();
}

std::optional<os::FdRef> SteeredSocket::take_abandoned(const SocketUser& user) {
  const Side* side = sides_.take_abandoned(user);
  if (side == nullptr) return std::nullopt;
  if (sides_.is_chosen_worker(user.worker.worker)) (void)steer(std::vector(sides_.chosen_workers()));
  return side->socket->fd();
}

// A member that answers nobody comes last, and so takes the place of the one that leaves next.
os::Result<void> SteeredSocket::fill_up() {
  struct stat group {};
  if (::fstat(anchor_.fd().get(), &group) != 0) return os::fail("fstat");
  SocketRequest request = request_;
  request.membership = Membership::filler;
  request.owner = group.st_uid;
  auto filler = ListenerSocket::open(request);
  if (!filler) return os::fail_with(filler.error().code, filler.error().text);
  order_.join(member_of(filler->fd()));
  fillers_.push_back(std::move(*filler));
  return {};
}

void SteeredSocket::has_joined(os::FdRef socket) {
  order_.join(member_of(socket));
  give_up_filler();
}

// The member that has just joined is the last one, which gets nothing yet, and takes the place of the first filler.
void SteeredSocket::give_up_filler() {
  const auto first = std::ranges::min_element(
      fillers_, {}, [this](const ListenerSocket& filler) { return order_.number_of(member_of(filler.fd())); });
  if (first == fillers_.end()) return;
  order_.leave(member_of(first->fd()));
  fillers_.erase(first);
}

std::size_t SteeredSocket::fillers_at_the_end() const {
  std::vector<std::uint32_t> numbers;
  for (const ListenerSocket& filler : fillers_) {
    if (const auto number = order_.number_of(member_of(filler.fd()))) numbers.push_back(*number);
  }
  std::ranges::sort(numbers, std::ranges::greater());
  std::size_t count = 0;
  while (count < numbers.size() && numbers[count] + count + 1 == order_.size()) ++count;
  return count;
}

// Only a socket that listens can leave by being shut down. Without descriptors the master does without fillers.
void SteeredSocket::keep_fillers_last() {
  if (kind() != core::SocketKind::tcp) return;
  for (std::size_t count = fillers_at_the_end(); count < sides_.all().size(); ++count) {
    if (!fill_up()) return;
  }
}

// Nothing that gets what is new may change its number: until the program is set anew, clients would go astray.
void SteeredSocket::remove_useless() {
  while (Side* side = sides_.useless()) {
    const auto member = member_of(side->socket->fd());
    const auto moved = order_.moves_with(member);
    const bool is_in_force = moved && std::ranges::any_of(sides_.chosen(), [&](const ChosenSide& one) {
      return member_of(one.side->socket->fd()) == *moved;
    });
    if (is_in_force && !fill_up()) return;
    order_.leave(member);
    sides_.remove(*side);
  }
}

}  // namespace liveswap::master
