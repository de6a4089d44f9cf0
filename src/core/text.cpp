#include "core/text.hpp"

#include <array>
#include <cstring>

namespace liveswap::core {

namespace {

struct Unit {
  Duration length;
  const char* name;
};

constexpr std::array kUnits = {
    Unit{std::chrono::hours(1), "h"},   Unit{std::chrono::minutes(1), "m"}, Unit{std::chrono::seconds(1), "s"},
    Unit{std::chrono::milliseconds(1), "ms"}, Unit{Duration(1), "us"},
};

constexpr int kUnitsShown = 2;  // 1h5m, not 1h5m3s200ms

}  // namespace

std::string text_of(Duration duration) {
  if (duration == kForever) return "infinity";
  if (duration <= Duration::zero()) return "0s";
  std::string text;
  int shown = 0;
  for (const Unit& unit : kUnits) {
    if (shown == kUnitsShown) break;
    const auto count = duration / unit.length;
    if (count == 0) continue;
    text += std::to_string(count) + unit.name;
    duration -= count * unit.length;
    ++shown;
  }
  return text;
}

std::string signal_name(int signo) {
  const char* name = sigabbrev_np(signo);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signo);
}

std::string text_of(const ExitStatus& status) {
  if (status.unknown) return "ended, nobody could tell how";
  if (!status.signaled) return "exit status " + std::to_string(status.code);
  return "killed by " + signal_name(status.code) + (status.core_dumped ? " (core dumped)" : "");
}

std::string text_of(GenerationId generation) { return "g" + std::to_string(generation.value); }

std::string text_of(ReleaseId release) { return "r" + std::to_string(release.value); }

}  // namespace liveswap::core
