// The core's state as people may see it: plain values for status, metrics and tests.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/ids.hpp"
#include "core/tables.hpp"
#include "core/time.hpp"

namespace liveswap::core {

struct WorkerSnapshot {
  WorkerId worker{};  // 0: the slot has no process (backoff)
  Slot slot = 0;
  GenerationId generation{};
  ReleaseId release{};
  WorkerState state{};
  Time since{};                 // in this state
  std::uint32_t restarts = 0;   // of the slot in this generation
  std::optional<Time> deadline; // of the state: ready, drain, stop time-out; next start of a backoff
  bool gave_up = false;
};

struct GenerationSnapshot {
  GenerationId generation{};
  ReleaseId release{};
  bool draining = false;
  Time since{};
  std::optional<Time> cut_at;  // when a draining generation's last worker will be stopped
  std::uint32_t workers = 0;   // living
};

struct RolloutSnapshot {
  RolloutKind kind{};
  RolloutPhase phase{};
  GenerationId generation{};  // the new one
  ReleaseId release{};
  Time since{};
  std::uint32_t ready = 0, wanted = 0;  // of the new generation
};

// One finished rollout, for `history`.
struct RolloutRecord {
  RolloutKind kind{};
  Result result{};
  Reason reason = Reason::none;
  GenerationId generation{};
  ReleaseId release{};
  std::string label;
  std::string text;
  Time begun{}, ended{};
};

struct AppSnapshot {
  AppId app{};
  std::string name;
  AppState state{};
  GenerationId generation{};  // that serves; 0: none
  ReleaseId release{};
  std::string label;
  std::uint32_t workers_wanted = 0, workers_ready = 0;  // of what serves, draining workers not counted
  std::optional<std::uint32_t> scale_override;
  std::optional<RolloutSnapshot> rollout;
  std::string waiting_for;  // one sentence: what the app waits for now; "" for nothing
  std::vector<GenerationSnapshot> generations;  // living, newest first
  std::vector<WorkerSnapshot> workers;          // by generation (newest first), then slot
  std::deque<RolloutRecord> history;            // newest last; bounded by kHistoryMax
};

struct Snapshot {
  std::vector<AppSnapshot> apps;  // in the file's order
  bool shutting_down = false;
};

}  // namespace liveswap::core
