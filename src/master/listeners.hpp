// All listeners of the master: bound together or not at all, and closed one by one only when every app that lists
// them has stopped.
//
// Owned by Master; not thread-safe. What happens later than the call (queues that have run empty, listeners bound
// again) is posted as an event. The destructor closes everything and removes the files of Unix sockets.
//
// An app lists its listeners from its start until its close(). For a listener, what counts is the liveliest of the
// apps that list it:
//
//   some app started ──all quiesce()──▶ held back ──all close()──▶ closed ──start()──▶ open again
//
// Held back: new TCP clients are made to wait, datagrams are dropped, the file of a Unix socket is out of sight; what
// the kernel has queued already is still there for the workers. A listener that no app lists stays open.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/plan.hpp"
#include "loop/loop.hpp"
#include "master/bound_socket.hpp"
#include "master/facts.hpp"
#include "master/post.hpp"

namespace liveswap::master {

class Listener;
class QueueWatch;

class Listeners {
 public:
  Listeners(loop::Loop& loop, Post post);
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // Binds the listeners of the plan, all or none, and takes all of its apps as started. Every failure is reported:
  // "listener http: bind(0.0.0.0:80): Permission denied".
  [[nodiscard]] std::expected<void, std::vector<std::string>> bind(const core::MasterPlan& plan);

  // The open sockets of these listeners, in that order; each listener's in the order of its addresses.
  [[nodiscard]] std::vector<BoundSocket> sockets_of(std::span<const std::string> names) const;

  [[nodiscard]] std::vector<ListenerRow> rows() const;  // in the file's order

  // A new release of a started app lists these; what it listed before stays listed, since older generations may still
  // use it. A listener that is closed is bound again; the first failure is the error.
  [[nodiscard]] std::expected<void, std::string> also_lists(core::AppId app, std::span<const std::string> names);

  // QuiesceListeners: posts ListenersQuiet once the queues of what is held back were empty twice, 50 ms apart.
  void quiesce(core::AppId app);
  // CloseListeners.
  void close(core::AppId app);
  // OpenListeners: undoes both; posts ListenersOpened or ListenersFailed.
  void start(core::AppId app);

  // True: it changed. Refused for listeners with Unix sockets. A pause outlives the app's stop and start.
  [[nodiscard]] std::expected<bool, std::string> pause(std::string_view name);
  [[nodiscard]] std::expected<bool, std::string> resume(std::string_view name);

  // Puts back the backlog that a worker may have changed on a shared socket; what was found changed, one line each. An
  // O_NONBLOCK that a worker has set or cleared is left as it is, since workers that run rely on it; told once.
  [[nodiscard]] std::vector<std::string> reassert(std::span<const std::string> names);

 private:
  struct App;

  [[nodiscard]] Listener* find(std::string_view name) const;
  [[nodiscard]] std::vector<Listener*> listed_by(core::AppId app) const;
  [[nodiscard]] std::expected<void, std::vector<std::string>> bind_closed(std::span<Listener* const> listeners);
  void settle();

  loop::Loop& loop_;
  Post post_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::map<core::AppId, App> apps_;
  int default_backlog_;
};

}  // namespace liveswap::master
