// The sockets of one steered address, and which workers have them: a side for each living generation, or for each
// worker.
//
// A side is used again only when no process of the workers that had it is left. What still waits in its queue then is
// accepted by whoever gets it next, so the fullest one is given out first: a worker that crashed finds its own queue
// again. Sides are kept until the listener closes: there are never more than lived at one time. But those that a
// program has made go when nobody can need them any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "master/endpoint.hpp"
#include "master/listener_socket.hpp"

namespace liveswap::master {

struct Side {
  std::unique_ptr<ListenerSocket> socket;
  core::GenerationId generation{};  // whose workers have it, or had it last
  bool of_one_worker = false;
  bool of_program = false;  // a program has made it, and only a program can have it again
  std::set<core::WorkerId> users{};
};

// Workers that a side has among those that get new connections.
struct ChosenSide {
  Side* side = nullptr;
  std::uint32_t workers = 0;
};

struct SidesState;  // listeners_state.hpp

class Sides {
 public:
  using Open = std::function<std::expected<std::unique_ptr<ListenerSocket>, OpenFailure>()>;

  // That of the worker, from now on; `open` makes one where none is free. Stays where it is.
  [[nodiscard]] std::expected<Side*, OpenFailure> side_for(const SocketUser& user, const Open& open);
  void left(core::WorkerId worker);

  // One that a program has made is the worker's from now on, and listens.
  Side& add(const SocketUser& user, std::unique_ptr<ListenerSocket> socket);
  // No process has that socket any more.
  void abandon(os::FdRef socket);
  // Of a program's sockets that nobody has: one at which somebody waits, or which gets what is new; else null.
  [[nodiscard]] Side* take_abandoned(const SocketUser& user);
  // Of a program's sockets that nobody has: one that nothing can come to any more; else null.
  [[nodiscard]] Side* useless();
  void remove(const Side& side);

  // Those that these workers have; empty where they have none.
  [[nodiscard]] std::vector<ChosenSide> of(std::span<const core::WorkerId> workers);
  // These get what is new from now on; none: those that did before. Whether one gets nothing any more that did.
  bool choose(std::vector<ChosenSide> chosen, std::span<const core::WorkerId> workers);
  [[nodiscard]] const std::vector<ChosenSide>& chosen() const { return chosen_; }
  [[nodiscard]] const std::vector<core::WorkerId>& chosen_workers() const { return chosen_workers_; }
  [[nodiscard]] bool is_chosen(const Side& side) const;
  [[nodiscard]] bool is_chosen_worker(core::WorkerId worker) const;

  [[nodiscard]] std::vector<const ListenerSocket*> sockets() const;
  [[nodiscard]] std::vector<OwnSocket> of_worker(core::WorkerId worker) const;
  // It is to leave: nobody is excused by it who shares a side with it.
  void forget_chosen(core::WorkerId worker) { std::erase(chosen_workers_, worker); }

  // See Endpoint; `held_back`: none of them gets anything new.
  [[nodiscard]] bool starved(core::WorkerId worker, bool held_back) const;
  [[nodiscard]] bool somebody_waits() const;
  void describe(ListenerRow& row, bool held_back) const;
  [[nodiscard]] SidesState save() const;
  // Instead of what there is; one whose socket is not there any more is left out, and told.
  std::vector<std::string> restore(SidesState state, SocketKeeper& keeper);

  [[nodiscard]] std::list<Side>& all() { return sides_; }
  [[nodiscard]] const std::list<Side>& all() const { return sides_; }

 private:
  [[nodiscard]] Side* shared_by_generation(const core::Spawn& worker);
  [[nodiscard]] Side* fullest_free(core::GenerationId generation);
  [[nodiscard]] bool is_left_to(core::WorkerId worker, const Side& side) const;

  std::list<Side> sides_;  // never moved: others point to them
  std::vector<ChosenSide> chosen_;
  std::vector<core::WorkerId> chosen_workers_;
};

}  // namespace liveswap::master
