#include "master/sides.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "master/listeners_state.hpp"
#include "os/accept_queue.hpp"

namespace liveswap::master {
namespace {

std::uint32_t waiting_at(const Side& side) {
  if (const auto queue = os::accept_queue(side.socket->fd())) return queue->waiting;
  return side.socket->somebody_waits() ? 1 : 0;
}

}  // namespace

Side* Sides::shared_by_generation(const core::Spawn& worker) {
  const auto found = std::ranges::find_if(sides_, [&](const Side& side) {
    return !side.of_one_worker && !side.of_program && !side.users.empty() && side.generation == worker.generation;
  });
  return found == sides_.end() ? nullptr : &*found;
}

// Of those that are as full, the generation's own.
Side* Sides::fullest_free(core::GenerationId generation) {
  Side* best = nullptr;
  std::tuple<std::uint32_t, bool> best_rank;
  for (Side& side : sides_) {
    if (!side.users.empty() || side.of_program) continue;
    const std::tuple rank(waiting_at(side), side.generation == generation);
    if (best != nullptr && rank <= best_rank) continue;
    best = &side;
    best_rank = rank;
  }
  return best;
}

std::expected<Side*, OpenFailure> Sides::side_for(const SocketUser& user, const Open& open) {
  const core::Spawn& worker = user.worker;
  const auto mine = std::ranges::find_if(sides_, [&](const Side& side) { return side.users.contains(worker.worker); });
  if (mine != sides_.end()) return &*mine;
  Side* side = user.own_queue ? nullptr : shared_by_generation(worker);
  if (side == nullptr) side = fullest_free(worker.generation);
  if (side == nullptr) {
    auto socket = open();
    if (!socket) return std::unexpected(std::move(socket.error()));
    side = &sides_.emplace_back(Side{.socket = std::move(*socket)});
  }
  side->generation = worker.generation;
  side->of_one_worker = user.own_queue;
  side->users.insert(worker.worker);
  return side;
}

void Sides::left(core::WorkerId worker) {
  for (Side& side : sides_) side.users.erase(worker);
}

Side& Sides::add(const SocketUser& user, std::unique_ptr<ListenerSocket> socket) {
  return sides_.emplace_back(Side{.socket = std::move(socket),
                                  .generation = user.worker.generation,
                                  .of_one_worker = true,
                                  .of_program = true,
                                  .users = {user.worker.worker}});
}

void Sides::abandon(os::FdRef socket) {
  const auto side = std::ranges::find_if(sides_, [&](const Side& one) { return one.socket->fd() == socket; });
  if (side != sides_.end()) side->users.clear();
}

Side* Sides::take_abandoned(const SocketUser& user) {
  Side* best = nullptr;
  std::tuple<std::uint32_t, bool> best_rank;
  for (Side& side : sides_) {
    if (!side.users.empty() || !side.of_program) continue;
    const std::tuple rank(waiting_at(side), is_chosen(side));
    if (rank <= std::tuple(0U, false) || (best != nullptr && rank <= best_rank)) continue;
    best = &side;
    best_rank = rank;
  }
  if (best == nullptr) return nullptr;
  best->generation = user.worker.generation;
  best->users.insert(user.worker.worker);
  return best;
}

Side* Sides::useless() {
  const auto side = std::ranges::find_if(sides_, [&](const Side& one) {
    return one.of_program && one.users.empty() && !is_chosen(one) && !one.socket->somebody_waits();
  });
  return side == sides_.end() ? nullptr : &*side;
}

void Sides::remove(const Side& side) {
  sides_.remove_if([&](const Side& one) { return &one == &side; });
}

std::vector<ChosenSide> Sides::of(std::span<const core::WorkerId> workers) {
  std::vector<ChosenSide> chosen;
  for (Side& side : sides_) {
    const auto count = std::ranges::count_if(workers, [&](core::WorkerId id) { return side.users.contains(id); });
    if (count > 0) chosen.push_back({&side, static_cast<std::uint32_t>(count)});
  }
  return chosen;
}

bool Sides::choose(std::vector<ChosenSide> chosen, std::span<const core::WorkerId> workers) {
  chosen_workers_.assign(workers.begin(), workers.end());
  if (chosen.empty()) return false;
  const auto before = std::exchange(chosen_, std::move(chosen));
  return std::ranges::any_of(before, [this](const ChosenSide& one) { return !is_chosen(*one.side); });
}

bool Sides::is_chosen_worker(core::WorkerId worker) const {
  return std::ranges::find(chosen_workers_, worker) != chosen_workers_.end();
}

bool Sides::is_chosen(const Side& side) const {
  return std::ranges::any_of(chosen_, [&](const ChosenSide& one) { return one.side == &side; });
}

std::vector<const ListenerSocket*> Sides::sockets() const {
  std::vector<const ListenerSocket*> sockets;
  for (const Side& side : sides_) sockets.push_back(side.socket.get());
  return sockets;
}

// The worker has it, and no other that has it gets what is new.
bool Sides::is_left_to(core::WorkerId worker, const Side& side) const {
  const auto serves_it = [&](core::WorkerId other) { return other != worker && side.users.contains(other); };
  return side.users.contains(worker) && std::ranges::none_of(chosen_workers_, serves_it);
}

std::vector<OwnSocket> Sides::of_worker(core::WorkerId worker) const {
  std::vector<OwnSocket> sockets;
  for (const Side& side : sides_) {
    if (side.users.contains(worker)) sockets.push_back({side.socket->fd(), is_left_to(worker, side)});
  }
  return sockets;
}

bool Sides::starved(core::WorkerId worker, bool held_back) const {
  return std::ranges::all_of(sides_, [&](const Side& side) {
    if (!is_left_to(worker, side)) return true;
    return (held_back || !is_chosen(side)) && !side.socket->somebody_waits();
  });
}

void Sides::describe(ListenerRow& row, bool held_back) const {
  for (const Side& side : sides_) {
    ListenerRow its;
    side.socket->describe(its);
    row.sides.push_back({.generation = side.generation,
                         .workers = static_cast<std::uint32_t>(side.users.size()),
                         .chosen = !held_back && is_chosen(side),
                         .queue = its.queue});
    if (its.queue) row.queue = row.queue.value_or(0) + *its.queue;
    if (its.backlog) row.backlog = its.backlog;
    if (its.dropped) row.dropped = row.dropped.value_or(0) + *its.dropped;
  }
}

SidesState Sides::save() const {
  SidesState state{.sides = {}, .chosen_workers = chosen_workers_};
  for (const Side& side : sides_) {
    const auto chosen = std::ranges::find(chosen_, &side, &ChosenSide::side);
    state.sides.push_back({.socket = side.socket->own_state(),
                           .generation = side.generation,
                           .of_one_worker = side.of_one_worker,
                           .of_program = side.of_program,
                           .users = side.users,
                           .chosen = chosen == chosen_.end() ? 0 : chosen->workers});
  }
  return state;
}

std::vector<std::string> Sides::restore(SidesState state, SocketKeeper& keeper) {
  std::vector<std::string> problems;
  for (SideState& saved : state.sides) {
    auto socket = ListenerSocket::restore(std::move(saved.socket), keeper);
    if (!socket) {
      problems.push_back(socket.error().message());
      continue;
    }
    Side& side = sides_.emplace_back(Side{.socket = std::make_unique<ListenerSocket>(std::move(*socket)),
                                          .generation = saved.generation,
                                          .of_one_worker = saved.of_one_worker,
                                          .of_program = saved.of_program,
                                          .users = std::move(saved.users)});
    if (saved.chosen > 0) chosen_.push_back({&side, saved.chosen});
  }
  chosen_workers_ = std::move(state.chosen_workers);
  return problems;
}

bool Sides::somebody_waits() const {
  return std::ranges::any_of(sides_, [](const Side& side) { return side.socket->somebody_waits(); });
}

}  // namespace liveswap::master
