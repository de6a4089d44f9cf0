#include "core/tables.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace liveswap::core {

namespace {

using Words = std::span<const std::string_view>;

template <class Enum>
std::string_view pick(Enum value) {
  return names<Enum>()[static_cast<std::size_t>(std::to_underlying(value))];
}

}  // namespace

#define LIVESWAP_NAME_ROW(name, ...) std::string_view(#name),

template <>
Words names<WorkerState>() {
  static constexpr auto words = std::to_array({
#define WORKER_STATE LIVESWAP_NAME_ROW
#include "core/worker_states.def"
#undef WORKER_STATE
  });
  return words;
}

template <>
Words names<AppState>() {
  static constexpr auto words = std::to_array({
#define APP_STATE LIVESWAP_NAME_ROW
#include "core/app_states.def"
#undef APP_STATE
  });
  return words;
}

template <>
Words names<RolloutPhase>() {
  static constexpr auto words = std::to_array({
#define ROLLOUT_PHASE LIVESWAP_NAME_ROW
#include "core/rollout_phases.def"
#undef ROLLOUT_PHASE
  });
  return words;
}

template <>
Words names<RolloutKind>() {
  static constexpr auto words = std::to_array({
#define ROLLOUT_KIND LIVESWAP_NAME_ROW
#include "core/rollout_kinds.def"
#undef ROLLOUT_KIND
  });
  return words;
}

template <>
Words names<Result>() {
  static constexpr auto words = std::to_array({
#define RESULT LIVESWAP_NAME_ROW
#include "core/results.def"
#undef RESULT
  });
  return words;
}

template <>
Words names<Reason>() {
  static constexpr auto words = std::to_array({
#define REASON LIVESWAP_NAME_ROW
#include "core/reasons.def"
#undef REASON
  });
  return words;
}

template <>
Words names<NoteKind>() {
  static constexpr auto words = std::to_array({
#define NOTE LIVESWAP_NAME_ROW
#include "core/notes.def"
#undef NOTE
  });
  return words;
}

#undef LIVESWAP_NAME_ROW

std::string_view name_of(WorkerState value) { return pick(value); }
std::string_view name_of(AppState value) { return pick(value); }
std::string_view name_of(RolloutPhase value) { return pick(value); }
std::string_view name_of(RolloutKind value) { return pick(value); }
std::string_view name_of(Result value) { return pick(value); }
std::string_view name_of(Reason value) { return pick(value); }
std::string_view name_of(NoteKind value) { return pick(value); }

std::string_view meaning_of(Reason reason) {
  static constexpr auto meanings = std::to_array<std::string_view>({
#define REASON(name, meaning, next) meaning,
#include "core/reasons.def"
#undef REASON
  });
  return meanings[static_cast<std::size_t>(std::to_underlying(reason))];
}

std::string_view next_step_of(Reason reason) {
  static constexpr auto steps = std::to_array<std::string_view>({
#define REASON(name, meaning, next) next,
#include "core/reasons.def"
#undef REASON
  });
  return steps[static_cast<std::size_t>(std::to_underlying(reason))];
}

}  // namespace liveswap::core
