// What operators ask: each request is refused with a reason, answered, or begun and left to wait for its
// answer.
#pragma once

#include "core/event.hpp"

namespace liveswap::core {

struct Supervisor;

inline constexpr std::int64_t kWorkersMax = 4096;  // of one app; more than any machine has use for

void asked(Supervisor& s, const UpgradeAsked& event);
void asked(Supervisor& s, const RestartAsked& event);
void asked(Supervisor& s, const ScaleAsked& event);
void asked(Supervisor& s, const StartAsked& event);
void asked(Supervisor& s, const AdoptAsked& event);
void asked(Supervisor& s, const StopAsked& event);
void asked(Supervisor& s, const AbortAsked& event);
void asked(Supervisor& s, const WaitAsked& event);
void asked(Supervisor& s, const DrainAsked& event);
void asked(Supervisor& s, const ShutdownAsked& event);

}  // namespace liveswap::core
