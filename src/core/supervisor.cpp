#include "core/supervisor.hpp"

#include <utility>

namespace liveswap::core {

App* find_app(Supervisor& s, AppId id) {
  const auto found = s.apps.find(id);
  return found == s.apps.end() ? nullptr : &found->second;
}

Worker* find_worker(Supervisor& s, WorkerId id) {
  const auto found = s.workers.find(id);
  return found == s.workers.end() ? nullptr : &found->second;
}

Generation* find_generation(App& app, GenerationId id) {
  const auto found = app.generations.find(id);
  return found == app.generations.end() ? nullptr : &found->second;
}

const Generation* find_generation(const App& app, GenerationId id) {
  const auto found = app.generations.find(id);
  return found == app.generations.end() ? nullptr : &found->second;
}

App& app_of(Supervisor& s, const Worker& worker) { return s.apps.at(worker.app); }

Generation& generation_of(Supervisor& s, const Worker& worker) {
  return app_of(s, worker).generations.at(worker.generation);
}

AppState state_of(const App& app) {
  if (app.stopping) return AppState::stopping;
  if (app.rollout) return app.rollout->kind == RolloutKind::start ? AppState::starting : AppState::upgrading;
  if (const Generation* current = find_generation(app, app.current)) {
    return current->all_gave_up() ? AppState::failed : AppState::running;
  }
  if (app.start_failed) return AppState::failed;
  return app.listeners_open ? AppState::starting : AppState::stopped;
}

std::uint32_t ready_workers(const App& app) {
  std::size_t ready = 0;
  for (const auto& [id, generation] : app.generations) ready += generation.ready.size();
  return static_cast<std::uint32_t>(ready);
}

const Generation* serving_generation(const App& app) {
  if (const Generation* current = find_generation(app, app.current)) return current;
  return app.rollout ? find_generation(app, app.rollout->generation) : nullptr;
}

std::uint32_t wanted_workers(const App& app) {
  const Generation* serving = serving_generation(app);
  return serving == nullptr || app.stopping ? 0 : serving->size;
}

Note note_of(NoteKind kind, const App& app) {
  Note note;
  note.kind = kind;
  note.app = app.id;
  if (const Generation* serving = serving_generation(app)) {
    note.generation = serving->id;
    note.release = serving->release;
  }
  return note;
}

Note note_of(NoteKind kind, const Generation& generation, AppId app) {
  Note note;
  note.kind = kind;
  note.app = app;
  note.generation = generation.id;
  note.release = generation.release;
  return note;
}

Note with(Note note, const Failure& failure) {
  note.reason = failure.reason;
  note.text = failure.text;
  if (failure.slot) note.slot = failure.slot;
  if (failure.worker) note.worker = failure.worker;
  note.status = failure.status;
  note.last_lines = failure.last_lines;
  return note;
}

Outcome outcome_of(const App& app, Result result, Reason reason, std::string text) {
  Outcome outcome{.result = result, .reason = reason, .app = app.id, .text = std::move(text)};
  if (const Generation* serving = serving_generation(app)) {
    outcome.release = serving->release;
    outcome.generation = serving->id;
  }
  outcome.serving = ready_workers(app);
  outcome.wanted = wanted_workers(app);
  return outcome;
}

Outcome outcome_of(const App& app, Result result, const Failure& failure) {
  Outcome outcome = outcome_of(app, result, failure.reason, failure.text);
  outcome.slot = failure.slot;
  outcome.last_lines = failure.last_lines;
  return outcome;
}

}  // namespace liveswap::core
