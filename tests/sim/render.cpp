#include "render.hpp"

#include <sstream>

#include "core/text.hpp"

namespace sim {

using namespace liveswap::core;

namespace {

std::string short_signal(int signo) {
  const std::string name = signal_name(signo);
  return name.starts_with("SIG") ? name.substr(3) : name;
}

std::string app_name(AppId app) {
  if (app == AppId{1}) return "web";
  return app == AppId{2} ? "api" : "app " + std::to_string(app.value);
}

template <class Any>
std::string named(const char* letter, Any id) {
  return id ? std::string(" ") + letter + std::to_string(id.value) : "";
}

std::string level_name(WaitLevel level) {
  switch (level) {
    case WaitLevel::none: return "none";
    case WaitLevel::ready: return "ready";
    case WaitLevel::committed: return "committed";
    case WaitLevel::drained: return "drained";
  }
  return "?";
}

class ActionText {
 public:
  explicit ActionText(std::ostringstream& out) : out_(out) {}

  void operator()(const RunHook& a) {
    out_ << "run hook of " << app_name(a.app) << " for request " << a.request.value;
  }
  void operator()(const StopHook& a) {
    out_ << "stop hook of " << app_name(a.app) << " for request " << a.request.value;
  }
  void operator()(const PrepareRelease& a) {
    out_ << "prepare " << app_name(a.app) << named("r", a.release);
    if (a.request) out_ << " for request " << a.request->value;
    if (a.target) out_ << " to " << *a.target;
  }
  void operator()(const DropRelease& a) { out_ << "drop " << app_name(a.app) << named("r", a.release); }
  void operator()(const OpenListeners& a) { out_ << "open listeners of " << app_name(a.app); }
  void operator()(const QuiesceListeners& a) { out_ << "quiesce listeners of " << app_name(a.app); }
  void operator()(const CloseListeners& a) { out_ << "close listeners of " << app_name(a.app); }
  void operator()(const ReassertListeners& a) { out_ << "reassert listeners of " << app_name(a.app); }
  void operator()(const Steer& a) {
    out_ << "steer " << app_name(a.app) << " to";
    for (const WorkerId worker : a.workers) out_ << named("w", worker);
  }
  void operator()(const Starve& a) { out_ << "starve" << named("w", a.worker); }
  void operator()(const Spawn& a) {
    out_ << "spawn" << named("w", a.worker) << " as g" << a.generation.value << "/" << a.slot << " of"
         << named("r", a.release);
  }
  void operator()(const AskDrain& a) {
    out_ << "ask" << named("w", a.worker) << " to drain in " << text_of(a.timeout);
  }
  void operator()(const SignalWorker& a) {
    out_ << "signal" << named("w", a.worker) << " " << short_signal(a.signo)
         << (a.whole_tree ? " to its tree" : "");
  }
  void operator()(const Answer& a) {
    const Outcome& o = a.outcome;
    out_ << "answer " << a.request.value << ": " << name_of(o.result);
    if (o.reason != Reason::none) out_ << " (" << name_of(o.reason) << ")";
    if (o.slot) out_ << " slot " << *o.slot;
    if (!o.text.empty()) out_ << " \"" << o.text << "\"";
    for (const std::string& line : o.last_lines) out_ << " | " << line;
    out_ << ";" << named("g", o.generation) << named("r", o.release) << " " << o.serving << "/" << o.wanted;
  }
  void operator()(const Tell& a) {
    const Note& n = a.note;
    out_ << ". " << name_of(n.kind) << named("g", n.generation);
    if (n.slot) out_ << "/" << *n.slot;
    out_ << named("r", n.release) << named("w", n.worker);
    if (n.rollout) out_ << " " << name_of(*n.rollout);
    if (n.reason != Reason::none) out_ << " (" << name_of(n.reason) << ")";
    if (n.signo) out_ << " " << short_signal(*n.signo);
    if (n.wait) out_ << " " << text_of(*n.wait);
    if (n.count > 0) out_ << " x" << n.count;
    if (!n.text.empty()) out_ << " \"" << n.text << "\"";
    for (const std::string& line : n.last_lines) out_ << " | " << line;
  }
  void operator()(const Exit& a) { out_ << "exit " << a.status; }

 private:
  std::ostringstream& out_;
};

class EventText {
 public:
  explicit EventText(std::ostringstream& out) : out_(out) {}

  void operator()(const Begun&) { out_ << "begun"; }
  void operator()(const TimePassed&) { out_ << "time passed"; }
  void operator()(const Resumed&) { out_ << "resumed"; }
  void operator()(const HookEnded& e) {
    out_ << "hook of " << app_name(e.app) << " for request " << e.request.value << (e.ok ? " passed" : " failed");
    if (e.target) out_ << " with " << *e.target;
  }
  void operator()(const ReleasePrepared& e) {
    out_ << "prepared " << app_name(e.app) << named("r", e.release) << " x" << e.policy.workers
         << (e.same_as_current ? " (same)" : "");
  }
  void operator()(const ReleaseRefused& e) { out_ << "refused " << app_name(e.app) << named("r", e.release); }
  void operator()(const ListenersOpened& e) { out_ << "listeners of " << app_name(e.app) << " opened"; }
  void operator()(const ListenersFailed& e) { out_ << "listeners of " << app_name(e.app) << " failed"; }
  void operator()(const ListenersQuiet& e) { out_ << "listeners of " << app_name(e.app) << " quiet"; }
  void operator()(const Steered& e) { out_ << app_name(e.app) << " steered"; }
  void operator()(const SteerFailed& e) { out_ << app_name(e.app) << " not steered"; }
  void operator()(const WorkerStarved& e) { worker(e.worker) << " has nobody waiting"; }
  void operator()(const WorkerEmpty& e) { worker(e.worker) << " has nothing open"; }
  void operator()(const Launched& e) { worker(e.worker) << " launched"; }
  void operator()(const LaunchFailed& e) {
    worker(e.worker) << " failed to launch (" << name_of(e.reason) << ")";
  }
  void operator()(const WorkerReady& e) { worker(e.worker) << " ready"; }
  void operator()(const WorkerStopping& e) { worker(e.worker) << " leaves by itself"; }
  void operator()(const DeadlineExtended& e) { worker(e.worker) << " wants " << text_of(e.by) << " more"; }
  void operator()(const WatchdogPinged& e) { worker(e.worker) << " pinged"; }
  void operator()(const WatchdogTriggered& e) { worker(e.worker) << " says that it hangs"; }
  void operator()(const WatchdogChanged& e) { worker(e.worker) << " watchdog " << text_of(e.interval); }
  void operator()(const WorkerExited& e) {
    worker(e.worker) << " " << text_of(e.status) << (e.tree_gone ? "" : ", leaving others");
  }
  void operator()(const TreeGone& e) { worker(e.worker) << " has nothing left"; }
  void operator()(const UpgradeAsked& e) {
    asked("upgrade", e.request, e.app) << (e.if_changed ? " if changed" : "") << (e.hook ? " with hook" : "");
    until(e.wait, e.timeout);
  }
  void operator()(const RestartAsked& e) {
    asked("restart", e.request, e.app);
    if (e.slot) out_ << " slot " << *e.slot;
    if (e.now) out_ << " now";
    until(e.wait, e.timeout);
  }
  void operator()(const ScaleAsked& e) {
    asked("scale", e.request, e.app);
    if (e.how == ScaleAsked::How::reset) out_ << " back";
    if (e.how == ScaleAsked::How::absolute) out_ << " to " << e.count;
    if (e.how == ScaleAsked::How::relative) out_ << " by " << e.count;
    until(e.wait, e.timeout);
  }
  void operator()(const StartAsked& e) { asked("start", e.request, e.app); }
  void operator()(const AdoptAsked& e) { asked("adopt", e.request, e.app); }
  void operator()(const StopAsked& e) { asked("stop", e.request, e.app) << (e.now ? " now" : ""); }
  void operator()(const AbortAsked& e) { asked("abort", e.request, e.app); }
  void operator()(const WaitAsked& e) {
    asked("wait", e.request, e.app);
    until(e.level, e.timeout);
  }
  void operator()(const DrainAsked& e) {
    asked("drain", e.request, e.app) << (e.generation ? named("g", *e.generation) : "");
    out_ << (e.extend ? " extend " + text_of(*e.extend) : " now");
  }
  void operator()(const ShutdownAsked& e) {
    out_ << "shutdown" << (e.now ? " now" : "");
    if (e.request) out_ << ", request " << e.request->value;
  }
  void operator()(const RequestGone& e) { out_ << "request " << e.request.value << " gone"; }

 private:
  std::ostringstream& worker(WorkerId id) {
    out_ << "w" << id.value;
    return out_;
  }
  std::ostringstream& asked(const char* what, RequestId request, AppId app) {
    out_ << what << " " << app_name(app) << ", request " << request.value;
    return out_;
  }
  void until(WaitLevel level, Duration timeout) {
    out_ << ", wait for " << level_name(level);
    if (timeout != kForever) out_ << " at most " << text_of(timeout);
  }

  std::ostringstream& out_;
};

}  // namespace

std::string render(const Action& action) {
  std::ostringstream out;
  std::visit(ActionText(out), action);
  return out.str();
}

std::string render(const Event& event) {
  std::ostringstream out;
  std::visit(EventText(out), event);
  return out.str();
}

}  // namespace sim
