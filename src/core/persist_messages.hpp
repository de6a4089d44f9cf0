// The fields of events and actions, for an archive.
#pragma once

#include "core/action.hpp"
#include "core/archive.hpp"
#include "core/event.hpp"
#include "core/persist_plan.hpp"

namespace liveswap::core {

template <>
inline constexpr std::optional<WaitLevel> kLastOf<WaitLevel> = WaitLevel::drained;
template <>
inline constexpr std::optional<ScaleAsked::How> kLastOf<ScaleAsked::How> = ScaleAsked::How::reset;

// ---- events ----

LIVESWAP_FIELDS(ReleasePrepared, app, release, policy, label, same_as_current)
LIVESWAP_FIELDS(ReleaseRefused, app, release, text)
LIVESWAP_FIELDS(HookEnded, app, request, ok, target, text, last_lines)
LIVESWAP_FIELDS(ListenersOpened, app)
LIVESWAP_FIELDS(ListenersFailed, app, text)
LIVESWAP_FIELDS(ListenersQuiet, app)
LIVESWAP_FIELDS(Steered, app)
LIVESWAP_FIELDS(SteerFailed, app, text)
LIVESWAP_FIELDS(Launched, worker)
LIVESWAP_FIELDS(LaunchFailed, worker, reason, text)
LIVESWAP_FIELDS(WorkerStarved, worker)
LIVESWAP_FIELDS(WorkerEmpty, worker)
LIVESWAP_FIELDS(ExitStatus, signaled, code, core_dumped, unknown)
LIVESWAP_FIELDS(WorkerReady, worker)
LIVESWAP_FIELDS(WorkerStopping, worker)
LIVESWAP_FIELDS(DeadlineExtended, worker, by)
LIVESWAP_FIELDS(WatchdogPinged, worker)
LIVESWAP_FIELDS(WatchdogTriggered, worker)
LIVESWAP_FIELDS(WatchdogChanged, worker, interval)
LIVESWAP_FIELDS(WorkerExited, worker, status, last_lines, tree_gone)
LIVESWAP_FIELDS(TreeGone, worker)
LIVESWAP_FIELDS(UpgradeAsked, request, app, wait, timeout, if_changed, hook)
LIVESWAP_FIELDS(RestartAsked, request, app, slot, now, wait, timeout)
LIVESWAP_FIELDS(ScaleAsked, request, app, how, count, wait, timeout)
LIVESWAP_FIELDS(StartAsked, request, app, timeout)
LIVESWAP_FIELDS(AdoptAsked, request, app, timeout)
LIVESWAP_FIELDS(StopAsked, request, app, now, timeout)
LIVESWAP_FIELDS(AbortAsked, request, app)
LIVESWAP_FIELDS(WaitAsked, request, app, level, timeout)
LIVESWAP_FIELDS(DrainAsked, request, app, generation, extend)
LIVESWAP_FIELDS(ShutdownAsked, request, now)
LIVESWAP_FIELDS(RequestGone, request)
LIVESWAP_NO_FIELDS(Begun)
LIVESWAP_NO_FIELDS(TimePassed)
LIVESWAP_NO_FIELDS(Resumed)

// ---- actions ----

LIVESWAP_FIELDS(PrepareRelease, app, release, request, target)
LIVESWAP_FIELDS(RunHook, app, request)
LIVESWAP_FIELDS(StopHook, app, request)
LIVESWAP_FIELDS(DropRelease, app, release)
LIVESWAP_FIELDS(OpenListeners, app)
LIVESWAP_FIELDS(QuiesceListeners, app)
LIVESWAP_FIELDS(CloseListeners, app)
LIVESWAP_FIELDS(ReassertListeners, app)
LIVESWAP_FIELDS(Steer, app, workers)
LIVESWAP_FIELDS(Spawn, worker, app, slot, generation, release)
LIVESWAP_FIELDS(Starve, worker)
LIVESWAP_FIELDS(AskDrain, worker, timeout)
LIVESWAP_FIELDS(SignalWorker, worker, signo, whole_tree)
LIVESWAP_FIELDS(Outcome, result, reason, app, release, generation, text, slot, last_lines, serving, wanted)
LIVESWAP_FIELDS(Answer, request, outcome)
LIVESWAP_FIELDS(Note, kind, app, generation, release, worker, slot, rollout, reason, status, signo, wait, count, text,
                last_lines)
LIVESWAP_FIELDS(Tell, note)
LIVESWAP_FIELDS(Exit, status)

}  // namespace liveswap::core
