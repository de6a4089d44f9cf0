// The enums that the .def tables make, and their names.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace liveswap::core {

#define LIVESWAP_ENUM_ROW(name, ...) name,

enum class WorkerState {
#define WORKER_STATE LIVESWAP_ENUM_ROW
#include "core/worker_states.def"
#undef WORKER_STATE
};

enum class AppState {
#define APP_STATE LIVESWAP_ENUM_ROW
#include "core/app_states.def"
#undef APP_STATE
};

enum class RolloutPhase {
#define ROLLOUT_PHASE LIVESWAP_ENUM_ROW
#include "core/rollout_phases.def"
#undef ROLLOUT_PHASE
};

enum class RolloutKind {
#define ROLLOUT_KIND LIVESWAP_ENUM_ROW
#include "core/rollout_kinds.def"
#undef ROLLOUT_KIND
};

enum class Result {
#define RESULT LIVESWAP_ENUM_ROW
#include "core/results.def"
#undef RESULT
};

enum class Reason {
#define REASON LIVESWAP_ENUM_ROW
#include "core/reasons.def"
#undef REASON
};

enum class NoteKind {
#define NOTE LIVESWAP_ENUM_ROW
#include "core/notes.def"
#undef NOTE
};

#undef LIVESWAP_ENUM_ROW

// Of every row, in the order of the enum (choices.hpp has the others).
template <class Enum>
std::span<const std::string_view> names();
template <>
std::span<const std::string_view> names<WorkerState>();
template <>
std::span<const std::string_view> names<AppState>();
template <>
std::span<const std::string_view> names<RolloutPhase>();
template <>
std::span<const std::string_view> names<RolloutKind>();
template <>
std::span<const std::string_view> names<Result>();
template <>
std::span<const std::string_view> names<Reason>();
template <>
std::span<const std::string_view> names<NoteKind>();

std::string_view name_of(WorkerState);
std::string_view name_of(AppState);
std::string_view name_of(RolloutPhase);
std::string_view name_of(RolloutKind);
std::string_view name_of(Result);
std::string_view name_of(Reason);
std::string_view name_of(NoteKind);

// The sentence and the next command that belong to a reason; "" where the table has none.
std::string_view meaning_of(Reason);
std::string_view next_step_of(Reason);

}  // namespace liveswap::core
