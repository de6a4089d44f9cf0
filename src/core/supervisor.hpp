// The core's whole state, and the ways through it: apps, workers, requests, shutdown.
//
// Owned by Core. An event is handled in two parts: its handler records what happened and marks the app as
// touched; then settle() decides, once for each touched app, what follows. So no decision is made on half of
// the facts, and nothing calls back into what called it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/core.hpp"
#include "core/desk.hpp"
#include "core/generation.hpp"
#include "core/requests.hpp"
#include "core/rollout.hpp"
#include "core/snapshot.hpp"
#include "core/steering.hpp"
#include "core/worker.hpp"

namespace liveswap::core {

struct Release {
  std::string label;
  std::shared_ptr<const AppPolicy> policy;
};

// The stop of an app, from the order until its last worker has gone.
struct Stopping {
  bool quiescing = false;  // it still serves what waits in the queues
  bool now = false;
  std::optional<Failure> failure{};  // it is stopped because its start failed
};

struct App {
  AppId id;
  std::string name;
  bool listeners_open = true;  // the master has bound them
  unsigned opens_pending = 0;  // OpenListeners that are not answered yet
  bool start_failed = false;   // and everything of it was stopped
  GenerationId current{};      // that serves; 0: none
  ReleaseId pinned{};          // the last release that was ready in full: `start` after a stop uses it
  std::optional<std::uint32_t> scale_override{};
  std::map<ReleaseId, Release> releases{};
  std::map<GenerationId, Generation> generations{};
  std::optional<Rollout> rollout{};
  std::optional<Rollout> shelved{};  // a first start in trouble, while an upgrade tries to do better
  std::optional<Stopping> stopping{};
  Steering steering{};
  std::uint64_t last_release = 0, last_generation = 0;  // numbers given out
  std::deque<RolloutRecord> history{};
};

struct Shutdown {
  bool asked = false;
  bool stopping = false;  // the delay is over
  bool exited = false;
  int status = 0;
};

struct Supervisor {
  Setup setup;
  Desk desk{};
  std::map<AppId, App> apps{};
  std::map<WorkerId, Worker> workers{};
  Requests requests{};
  Shutdown shutdown{};
  std::uint64_t last_worker = 0;
  std::set<AppId> touched{};
};

// ---- looking things up; null where it is unknown or gone ----
App* find_app(Supervisor& s, AppId id);
Worker* find_worker(Supervisor& s, WorkerId id);
Generation* find_generation(App& app, GenerationId id);
const Generation* find_generation(const App& app, GenerationId id);
App& app_of(Supervisor& s, const Worker& worker);
Generation& generation_of(Supervisor& s, const Worker& worker);

// ---- facts about an app ----
AppState state_of(const App& app);
std::uint32_t ready_workers(const App& app);
std::uint32_t wanted_workers(const App& app);
// The generation that serves or, in a first start, is going to.
const Generation* serving_generation(const App& app);
Note note_of(NoteKind kind, const App& app);
Note note_of(NoteKind kind, const Generation& generation, AppId app);
Note with(Note note, const Failure& failure);
// An answer about the app with serving, wanted, release and generation filled in.
Outcome outcome_of(const App& app, Result result, Reason reason = Reason::none, std::string text = {});
Outcome outcome_of(const App& app, Result result, const Failure& failure);

// ---- apps ----
void stop_app(Supervisor& s, App& app, bool now, std::optional<Failure> failure = std::nullopt);
void hurry_stop(Supervisor& s, App& app);
void listeners_quiet(Supervisor& s, App& app);
void advance_stop(Supervisor& s, App& app);
void settle(Supervisor& s, App& app);
void remember(Supervisor& s, App& app, const Rollout& rollout, Result result);

// ---- a new master ----
void resume(Supervisor& s, const Resumed& event);

// ---- shutdown ----
void begin_shutdown(Supervisor& s, bool now, int status);
void end_shutdown_delay(Supervisor& s);
void cut_shutdown_drain(Supervisor& s);
void settle_shutdown(Supervisor& s);

}  // namespace liveswap::core
