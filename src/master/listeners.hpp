// All listeners of the master: bound together or not at all, and closed one by one only when every app that
// lists them has stopped.
//
// Owned by Master; not thread-safe. What happens later than the call (queues that have run empty, listeners
// bound again) is posted as an event. The destructor closes everything and removes the files of Unix sockets.
//
// An app lists its listeners from its start until its close(). For a listener, what counts is the liveliest
// of the apps that list it:
//
//   some app started ──all quiesce()──▶ held back ──all close()──▶ closed ──start()──▶ open again
//
// Held back: new TCP clients are made to wait, datagrams are dropped, the file of a Unix socket is out of
// sight; what the kernel has queued already is still there for the workers. A listener that no app lists
// stays open.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/plan.hpp"
#include "loop/loop.hpp"
#include "master/bound_socket.hpp"
#include "master/endpoint.hpp"
#include "master/facts.hpp"
#include "master/listener_path.hpp"
#include "master/post.hpp"
#include "master/socket_keeper.hpp"

namespace liveswap::master {

class Listener;
class QueueWatch;
class ListenerSocket;
struct ListenersState;  // listeners_state.hpp
struct ListenerSocketState;
enum class ListenerNeed;

class Listeners {
 public:
  // `keeper`: of copies of the sockets, for the next master; outlives it.
  Listeners(loop::Loop& loop, Post post, Keeper& keeper);
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // Binds the listeners of the plan, all or none, and takes all of its apps as started. Every failure is
  // reported: "listener http: bind(0.0.0.0:80): Permission denied".
  [[nodiscard]] std::expected<void, std::vector<std::string>> bind(const core::MasterPlan& plan);

  [[nodiscard]] ListenersState save() const;
  // Instead of bind(): what the master before has left, as far as it is there. What is not is told, a line each.
  [[nodiscard]] std::vector<std::string> restore(ListenersState state);

  // One that a program has bound and that does not listen yet: it is in no listener.
  [[nodiscard]] os::Result<ListenerSocket> restore_socket(ListenerSocketState state);

  // The open sockets of these listeners, in that order; each listener's in the order of its addresses.
  [[nodiscard]] std::vector<BoundSocket> sockets_of(std::span<const std::string> names) const;

  // The same of all that the app uses, those included that were added for it.
  [[nodiscard]] std::vector<BoundSocket> sockets_used_by(core::AppId app) const;
  // Those of steered listeners that the worker has.
  [[nodiscard]] std::vector<OwnSocket> own_sockets_of(core::AppId app, core::WorkerId worker) const;

  // The socket at that address among these listeners. No host means whatever is bound to all of them, port 0 whatever
  // port the kernel chose there.
  [[nodiscard]] std::optional<BoundSocket> socket_at(const core::Address& address, bool v6only,
                                                     std::span<const std::string> names) const;

  // As they are for that worker: of a steered listener it gets sockets that only its generation or itself has, the same
  // ones each time it is asked for, until left().
  [[nodiscard]] std::expected<std::vector<BoundSocket>, std::string> sockets_for(const SocketUser& user,
                                                                                std::span<const std::string> names);
  [[nodiscard]] std::expected<void, std::string> hand_to(const SocketUser& user, BoundSocket& socket);
  // Starve: two workers that leave a side which they share are no excuse for each other.
  void leaving(core::AppId app, core::WorkerId worker);
  // No process of the worker is left.
  void left(core::WorkerId worker);

  // Steer: what is new goes to the sockets of these workers only, at all of the app's steered listeners or at none.
  [[nodiscard]] std::expected<void, std::string> steer(core::AppId app, std::span<const core::WorkerId> workers);
  // Nobody waits at the app's steered listeners who would be lost if that worker accepted nothing more.
  [[nodiscard]] bool starved(core::AppId app, core::WorkerId worker);

  // Where a program that asks for that address by itself gets its socket bound, among these listeners: as in
  // socket_at(), else where a listener's `match` says so, at an address of the same family.
  [[nodiscard]] std::optional<BoundSocket> place_for(const core::Address& address, bool v6only,
                                                     std::span<const std::string> names) const;
  [[nodiscard]] Endpoint& endpoint_of(const BoundSocket& socket);

  // A listener that the file does not have: open from now on until remove() or the app's close(), and the app's alone.
  [[nodiscard]] std::expected<void, OpenFailure> add_for(core::AppId app, const core::ListenerPlan& plan,
                                                         const PathRights& rights);
  // The same around sockets of a server that runs, and becomes that worker.
  [[nodiscard]] std::expected<void, OpenFailure> adopt_for(const SocketUser& user, const core::ListenerPlan& plan,
                                                           std::vector<os::OwnedFd> sockets);
  // The same, but of no app: open for as long as the master is.
  [[nodiscard]] std::expected<void, OpenFailure> add(const core::ListenerPlan& plan, const PathRights& rights);
  void remove(const std::string& name);
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  // That name, or one like it that no listener has.
  [[nodiscard]] std::string free_name(const std::string& wanted) const;
  // Whether clients can find it: the path of a Unix socket still leads to it.
  [[nodiscard]] bool still_there(std::string_view name) const;
  // The path is put back, where nothing else has its place.
  [[nodiscard]] bool show_again(std::string_view name);

  // Other programs than workers have the socket now, in their own right: closing the listener leaves it to them.
  void given_away(const BoundSocket& socket);
  [[nodiscard]] bool is_given_away(const BoundSocket& socket) const;

  [[nodiscard]] std::vector<ListenerRow> rows() const;  // in the file's order, then those that were added

  // A new release of a started app lists these; what it listed before stays listed, since older generations
  // may still use it. A listener that is closed is bound again.
  [[nodiscard]] std::expected<void, std::string> also_lists(core::AppId app,
                                                            std::span<const std::string> names);
  // What an app's releases list, now that one of them is gone or was not made. One that nobody lists any more
  // stays open; those are returned, in words.
  [[nodiscard]] std::vector<std::string> lists_only(core::AppId app, std::vector<std::string> names);

  // QuiesceListeners: posts ListenersQuiet once the queues of what is held back were empty twice, 50 ms
  // apart. What could not be held back (a TCP socket, without the right to it) takes as few new clients as
  // possible; one line each.
  [[nodiscard]] std::vector<std::string> quiesce(core::AppId app);
  // CloseListeners.
  void close(core::AppId app);
  // OpenListeners: undoes both; posts ListenersOpened or ListenersFailed.
  void start(core::AppId app);

  // True: it changed. Refused for listeners with Unix sockets. A pause outlives the app's stop and start.
  [[nodiscard]] std::expected<bool, std::string> pause(std::string_view name) {
    return set_paused(name, true);
  }
  [[nodiscard]] std::expected<bool, std::string> resume(std::string_view name) {
    return set_paused(name, false);
  }

  // ReassertListeners: puts back the backlog that a worker may have changed on a shared socket; what was
  // found changed, one line each. An O_NONBLOCK that a worker has set or cleared is left as it is, since
  // workers that run rely on it; told once.
  [[nodiscard]] std::vector<std::string> reassert(core::AppId app);
  [[nodiscard]] std::vector<std::string> reassert(std::span<const std::string> names);

 private:
  using Need = ListenerNeed;
  struct App {
    std::string name;
    std::vector<std::string> lists;
    std::vector<std::string> added;  // by add_for()
    Need need{};
    std::unique_ptr<QueueWatch> watch;  // while need is to_empty_queue
    std::vector<core::WorkerId> steered_to;

    [[nodiscard]] bool uses(const std::string& listener) const;
    [[nodiscard]] std::vector<std::string> used() const;
  };

  [[nodiscard]] Listener* find(std::string_view name) const;
  [[nodiscard]] Need need_of(const Listener& listener) const;
  [[nodiscard]] std::vector<Listener*> held_back_for(const App& app) const;
  [[nodiscard]] std::expected<void, std::string> make_ready(const std::vector<std::string>& names);
  std::vector<std::string> settle();
  void discard(const std::string& name);
  void watch_queues(core::AppId id);
  [[nodiscard]] std::expected<bool, std::string> set_paused(std::string_view name, bool paused);

  loop::Loop& loop_;
  Post post_;
  SocketKeeper sockets_;
  std::vector<std::unique_ptr<Listener>> listeners_;  // in the file's order
  std::map<core::AppId, App> apps_;
};

}  // namespace liveswap::master
