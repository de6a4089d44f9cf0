#include "master/listeners.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "master/listener.hpp"
#include "master/listener_socket.hpp"
#include "master/listeners_state.hpp"
#include "master/queue_watch.hpp"
#include "os/accept_queue.hpp"
#include "os/users.hpp"

namespace liveswap::master {
namespace {

using Failures = std::vector<std::string>;

void add_texts(Failures& failures, std::vector<OpenFailure> added) {
  for (OpenFailure& failure : added) failures.push_back(std::move(failure.text));
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::expected<PathRights, std::string> rights_of(const core::ListenerPlan& plan) {
  PathRights rights;
  rights.mode = static_cast<mode_t>(plan.options.mode.value_or(rights.mode));
  const auto say = [&](const os::Error& error) {
    return std::unexpected("listener " + plan.name + ": " + error.message());
  };
  if (plan.options.user) {
    const auto user = os::find_user(*plan.options.user);
    if (!user) return say(user.error());
    rights.user = user->uid;
  }
  if (plan.options.group) {
    const auto group = os::find_group(*plan.options.group);
    if (!group) return say(group.error());
    rights.group = *group;
  }
  return rights;
}

std::string joined(const Failures& failures) {
  std::string text;
  for (const std::string& failure : failures) text += (text.empty() ? "" : "; ") + failure;
  return text;
}

}  // namespace

bool Listeners::App::uses(const std::string& listener) const {
  return contains(lists, listener) || contains(added, listener);
}

std::vector<std::string> Listeners::App::used() const {
  std::vector<std::string> names = lists;
  names.insert(names.end(), added.begin(), added.end());
  return names;
}

Listeners::Listeners(loop::Loop& loop, Post post, Keeper& keeper)
    : loop_(loop), post_(std::move(post)), sockets_(keeper) {}

Listeners::~Listeners() = default;

std::expected<void, Failures> Listeners::bind(const core::MasterPlan& plan) {
  Failures failures;
  const int backlog = os::somaxconn();
  for (const core::ListenerPlan& listener : plan.listeners) {
    const auto rights = rights_of(listener);
    if (!rights) {
      failures.push_back(rights.error());
      continue;
    }
    auto made = std::make_unique<Listener>(listener, *rights, backlog, sockets_);
    if (auto opened = made->open(); !opened) add_texts(failures, std::move(opened.error()));
    listeners_.push_back(std::move(made));
  }
  if (!failures.empty()) {
    listeners_.clear();
    return std::unexpected(std::move(failures));
  }
  for (const core::AppPlan& app : plan.apps) {
    apps_.emplace(core::AppId{apps_.size() + 1}, App{app.name, app.all_listeners(), {}, Need::to_serve, nullptr, {}});
  }
  return {};
}

// ---- from master to master ----

ListenersState Listeners::save() const {
  ListenersState state{.last_number = sockets_.last(), .listeners = {}, .apps = {}};
  for (const auto& listener : listeners_) state.listeners.push_back(listener->save());
  for (const auto& [id, app] : apps_) {
    state.apps.emplace(id, ListenerUserState{app.name, app.lists, app.added, app.need, app.steered_to});
  }
  return state;
}

Failures Listeners::restore(ListenersState state) {
  Failures problems;
  sockets_.go_on_from(state.last_number);
  for (ListenerState& saved : state.listeners) {
    listeners_.push_back(Listener::restore(std::move(saved), sockets_, problems));
  }
  const auto is_there = [this](const std::string& name) { return find(name) != nullptr; };
  for (auto& [id, saved] : state.apps) {
    App app{saved.name, {}, {}, saved.need, nullptr, std::move(saved.steered_to)};
    std::ranges::copy_if(saved.lists, std::back_inserter(app.lists), is_there);
    std::ranges::copy_if(saved.added, std::back_inserter(app.added), is_there);
    apps_.emplace(id, std::move(app));
  }
  for (const auto& [id, app] : apps_) {
    if (app.need == Need::to_empty_queue) watch_queues(id);
  }
  return problems;
}

os::Result<ListenerSocket> Listeners::restore_socket(ListenerSocketState state) {
  return ListenerSocket::restore(std::move(state), sockets_);
}

Listener* Listeners::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(listeners_, [&](const auto& listener) { return listener->name() == name; });
  return found == listeners_.end() ? nullptr : found->get();
}

std::vector<BoundSocket> Listeners::sockets_of(std::span<const std::string> names) const {
  std::vector<BoundSocket> sockets;
  for (const std::string& name : names) {
    if (const Listener* listener = find(name)) listener->add_bound_to(sockets);
  }
  return sockets;
}

std::expected<std::vector<BoundSocket>, std::string> Listeners::sockets_for(const SocketUser& user,
                                                                            std::span<const std::string> names) {
  std::vector<BoundSocket> sockets = sockets_of(names);
  for (BoundSocket& socket : sockets) {
    if (auto handed = hand_to(user, socket); !handed) return std::unexpected(std::move(handed.error()));
  }
  return sockets;
}

std::expected<void, std::string> Listeners::hand_to(const SocketUser& user, BoundSocket& socket) {
  return find(socket.listener)->hand_to(user, socket);
}

void Listeners::leaving(core::AppId app, core::WorkerId worker) {
  for (const std::string& name : apps_.at(app).used()) find(name)->leaving(worker);
}

void Listeners::left(core::WorkerId worker) {
  for (const auto& listener : listeners_) listener->left(worker);
}

std::expected<void, std::string> Listeners::steer(core::AppId id, std::span<const core::WorkerId> workers) {
  App& app = apps_.at(id);
  std::vector<Listener*> done;
  for (const std::string& name : app.used()) {
    Listener* listener = find(name);
    if (auto steered = listener->steer(workers); !steered) {
      for (Listener* before : done) (void)before->steer(app.steered_to);
      return steered;
    }
    done.push_back(listener);
  }
  app.steered_to.assign(workers.begin(), workers.end());
  return {};
}

bool Listeners::starved(core::AppId id, core::WorkerId worker) {
  return std::ranges::all_of(apps_.at(id).used(), [&](const std::string& name) { return find(name)->starved(worker); });
}
std::vector<BoundSocket> Listeners::sockets_used_by(core::AppId app) const {
  std::vector<BoundSocket> sockets;
  for (const std::string& name : apps_.at(app).used()) find(name)->add_all_sockets_to(sockets);
  return sockets;
}

std::vector<OwnSocket> Listeners::own_sockets_of(core::AppId app, core::WorkerId worker) const {
  std::vector<OwnSocket> sockets;
  for (const std::string& name : apps_.at(app).used()) find(name)->add_own_sockets_to(sockets, worker);
  return sockets;
}


std::optional<BoundSocket> Listeners::socket_at(const core::Address& address, bool v6only,
                                                std::span<const std::string> names) const {
  for (const std::string& name : names) {
    const Listener* listener = find(name);
    if (listener == nullptr) continue;
    if (auto socket = listener->socket_at(address, v6only)) return socket;
  }
  return std::nullopt;
}

std::optional<BoundSocket> Listeners::place_for(const core::Address& address, bool v6only,
                                                std::span<const std::string> names) const {
  if (auto exact = socket_at(address, v6only, names)) return exact;
  for (const std::string& name : names) {
    const Listener* listener = find(name);
    if (listener == nullptr) continue;
    if (auto matched = listener->matched(address)) return matched;
  }
  return std::nullopt;
}

Endpoint& Listeners::endpoint_of(const BoundSocket& socket) { return find(socket.listener)->endpoint(socket.index); }

std::expected<void, OpenFailure> Listeners::add_for(core::AppId app, const core::ListenerPlan& plan,
                                                    const PathRights& rights) {
  if (auto added = add(plan, rights); !added) return added;
  App& its = apps_.at(app);
  its.added.push_back(plan.name);
  (void)find(plan.name)->steer(its.steered_to);  // nobody has a socket of it yet
  return {};
}

std::expected<void, OpenFailure> Listeners::adopt_for(const SocketUser& user, const core::ListenerPlan& plan,
                                                      std::vector<os::OwnedFd> sockets) {
  auto made = std::make_unique<Listener>(plan, PathRights{}, os::somaxconn(), sockets_);
  if (auto taken = made->adopt(user, std::move(sockets)); !taken) return taken;
  listeners_.push_back(std::move(made));
  apps_.at(user.worker.app).added.push_back(plan.name);
  return {};
}

std::expected<void, OpenFailure> Listeners::add(const core::ListenerPlan& plan, const PathRights& rights) {
  auto made = std::make_unique<Listener>(plan, rights, os::somaxconn(), sockets_);
  if (auto opened = made->open(); !opened) return std::unexpected(std::move(opened.error().front()));
  listeners_.push_back(std::move(made));
  return {};
}

std::string Listeners::free_name(const std::string& wanted) const {
  std::string name = wanted;
  for (int number = 2; has(name); ++number) name = fmt::format("{}.{}", wanted, number);
  return name;
}

void Listeners::given_away(const BoundSocket& socket) {
  if (Listener* listener = find(socket.listener)) listener->given_away(socket.index);
}

bool Listeners::is_given_away(const BoundSocket& socket) const {
  const Listener* listener = find(socket.listener);
  return listener != nullptr && listener->is_given_away(socket.index);
}

void Listeners::remove(const std::string& name) {
  for (auto& [id, app] : apps_) std::erase(app.added, name);
  discard(name);
}

void Listeners::discard(const std::string& name) {
  std::erase_if(listeners_, [&](const auto& listener) { return listener->name() == name; });
}

bool Listeners::show_again(std::string_view name) {
  Listener* listener = find(name);
  return listener != nullptr && listener->show_again();
}

bool Listeners::still_there(std::string_view name) const {
  const Listener* listener = find(name);
  return listener != nullptr && listener->can_be_found();
}

std::vector<ListenerRow> Listeners::rows() const {
  std::vector<ListenerRow> rows;
  for (const auto& listener : listeners_) {
    std::vector<std::string> apps;
    for (const auto& [id, app] : apps_) {
      if (app.uses(listener->name())) apps.push_back(app.name);
    }
    listener->add_rows_to(rows, apps);
  }
  return rows;
}

std::expected<void, std::string> Listeners::also_lists(core::AppId id, std::span<const std::string> names) {
  App& app = apps_.at(id);
  std::vector<std::string> lists = app.lists;
  for (const std::string& name : names) {
    if (!find(name)) return std::unexpected(fmt::format("there is no listener {}", name));
    if (!contains(lists, name)) lists.push_back(name);
  }
  if (app.need == Need::to_serve) {
    if (auto ready = make_ready(lists); !ready) return ready;
  }
  app.lists = std::move(lists);
  return {};
}

std::vector<std::string> Listeners::lists_only(core::AppId id, std::vector<std::string> names) {
  const std::vector<std::string> before = std::exchange(apps_.at(id).lists, std::move(names));
  std::vector<std::string> told;
  for (const std::string& name : before) {
    const bool listed = std::ranges::any_of(apps_, [&](const auto& app) { return contains(app.second.lists, name); });
    if (!listed) told.push_back("listener " + name + ": no app lists it any more; its clients wait until one does");
  }
  std::ranges::move(settle(), std::back_inserter(told));
  return told;
}

// All of these are open and let clients in, or what was closed is closed again.
std::expected<void, std::string> Listeners::make_ready(const std::vector<std::string>& names) {
  Failures failures;
  std::vector<Listener*> opened;
  for (const std::string& name : names) {
    Listener* listener = find(name);
    if (listener->is_open()) {
      if (auto let_in = listener->let_in(); !let_in) failures.push_back(let_in.error());
    } else if (auto open = listener->open(); open) {
      opened.push_back(listener);
    } else {
      add_texts(failures, std::move(open.error()));
    }
  }
  if (failures.empty()) return {};
  for (Listener* listener : opened) listener->close();
  return std::unexpected(joined(failures));
}

Listeners::Need Listeners::need_of(const Listener& listener) const {
  std::optional<Need> most;
  for (const auto& [id, app] : apps_) {
    if (app.uses(listener.name())) most = std::max(most, std::optional(app.need));
  }
  return most.value_or(Need::to_serve);
}

// What could not be held back is returned.
Failures Listeners::settle() {
  Failures failures;
  for (const auto& listener : listeners_) {
    const Need need = need_of(*listener);
    if (need == Need::to_empty_queue) std::ranges::move(listener->hold_back(), std::back_inserter(failures));
    if (need == Need::none) listener->close();
  }
  return failures;
}

std::vector<Listener*> Listeners::held_back_for(const App& app) const {
  std::vector<Listener*> held;
  for (const std::string& name : app.used()) {
    Listener* listener = find(name);
    if (need_of(*listener) == Need::to_empty_queue) held.push_back(listener);
  }
  return held;
}

Failures Listeners::quiesce(core::AppId id) {
  App& app = apps_.at(id);
  app.need = Need::to_empty_queue;
  Failures not_held_back = settle();
  if (held_back_for(app).empty()) {
    post_(core::ListenersQuiet{id});
    return not_held_back;
  }
  watch_queues(id);
  return not_held_back;
}

void Listeners::watch_queues(core::AppId id) {
  App& app = apps_.at(id);
  const auto is_empty = [this, &app] {
    return std::ranges::none_of(held_back_for(app), &Listener::somebody_waits);
  };
  app.watch = std::make_unique<QueueWatch>(loop_, is_empty, [this, id] { post_(core::ListenersQuiet{id}); });
}

void Listeners::close(core::AppId id) {
  App& app = apps_.at(id);
  app.watch.reset();
  app.need = Need::none;
  for (const std::string& name : std::exchange(app.added, {})) discard(name);
  settle();
}

void Listeners::start(core::AppId id) {
  App& app = apps_.at(id);
  app.watch.reset();
  const auto ready = make_ready(app.lists);
  app.need = ready ? Need::to_serve : Need::none;
  settle();
  if (ready) {
    post_(core::ListenersOpened{id});
  } else {
    post_(core::ListenersFailed{id, ready.error()});
  }
}

std::expected<bool, std::string> Listeners::set_paused(std::string_view name, bool paused) {
  Listener* listener = find(name);
  if (!listener) return std::unexpected(fmt::format("there is no listener {}", name));
  return listener->set_paused(paused);
}

std::vector<std::string> Listeners::reassert(core::AppId id) { return reassert(apps_.at(id).used()); }

std::vector<std::string> Listeners::reassert(std::span<const std::string> names) {
  std::vector<std::string> changes;
  for (const std::string& name : names) std::ranges::move(find(name)->reassert(), std::back_inserter(changes));
  return changes;
}

}  // namespace liveswap::master
