#include "core/tables.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace liveswap::core {

namespace {

template <std::size_t N, class Enum>
constexpr std::string_view pick(const std::array<std::string_view, N>& names, Enum value) {
  return names[static_cast<std::size_t>(std::to_underlying(value))];
}

}  // namespace

#define LIVESWAP_NAME_ROW(name, ...) std::string_view(#name),

std::string_view name_of(WorkerState state) {
  static constexpr auto names = std::to_array({
#define WORKER_STATE LIVESWAP_NAME_ROW
#include "core/worker_states.def"
#undef WORKER_STATE
  });
  return pick(names, state);
}

std::string_view name_of(AppState state) {
  static constexpr auto names = std::to_array({
#define APP_STATE LIVESWAP_NAME_ROW
#include "core/app_states.def"
#undef APP_STATE
  });
  return pick(names, state);
}

std::string_view name_of(RolloutPhase phase) {
  static constexpr auto names = std::to_array({
#define ROLLOUT_PHASE LIVESWAP_NAME_ROW
#include "core/rollout_phases.def"
#undef ROLLOUT_PHASE
  });
  return pick(names, phase);
}

std::string_view name_of(RolloutKind kind) {
  static constexpr auto names = std::to_array({
#define ROLLOUT_KIND LIVESWAP_NAME_ROW
#include "core/rollout_kinds.def"
#undef ROLLOUT_KIND
  });
  return pick(names, kind);
}

std::string_view name_of(Result result) {
  static constexpr auto names = std::to_array({
#define RESULT LIVESWAP_NAME_ROW
#include "core/results.def"
#undef RESULT
  });
  return pick(names, result);
}

std::string_view name_of(Reason reason) {
  static constexpr auto names = std::to_array({
#define REASON LIVESWAP_NAME_ROW
#include "core/reasons.def"
#undef REASON
  });
  return pick(names, reason);
}

std::string_view name_of(NoteKind kind) {
  static constexpr auto names = std::to_array({
#define NOTE LIVESWAP_NAME_ROW
#include "core/notes.def"
#undef NOTE
  });
  return pick(names, kind);
}

#undef LIVESWAP_NAME_ROW

std::string_view meaning_of(Reason reason) {
  static constexpr auto meanings = std::to_array<std::string_view>({
#define REASON(name, meaning, next) meaning,
#include "core/reasons.def"
#undef REASON
  });
  return pick(meanings, reason);
}

std::string_view next_step_of(Reason reason) {
  static constexpr auto steps = std::to_array<std::string_view>({
#define REASON(name, meaning, next) next,
#include "core/reasons.def"
#undef REASON
  });
  return pick(steps, reason);
}

}  // namespace liveswap::core
