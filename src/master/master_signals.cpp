// Signals to the master: who sent them, and what they mean.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "config/diagnostic.hpp"
#include "config/load.hpp"
#include "core/text.hpp"
#include "master/master.hpp"
#include "os/procfs.hpp"
#include "os/users.hpp"

namespace liveswap::master {

namespace {

constexpr int kAncestorsMax = 64;  // deeper trees are nobody's workers

// Whether the process descends from this one or, as the workers of an earlier master do, from its guardian. A sender
// that has ended meanwhile cannot be told any more.
bool descends_from_us(pid_t pid, pid_t guardian) {
  for (int depth = 0; pid > 1 && depth < kAncestorsMax; ++depth) {
    const auto stat = os::read_process_stat(pid);
    if (!stat) return false;
    if (stat->ppid == ::getpid() || (guardian != 0 && stat->ppid == guardian)) return true;
    pid = stat->ppid;
  }
  return false;
}

bool is_from_our_own(const os::ReceivedSignal& signal, pid_t guardian) {
  const bool sent_by_process = signal.code == SI_USER || signal.code == SI_QUEUE || signal.code == SI_TKILL;
  return sent_by_process && descends_from_us(signal.sender_pid, guardian);
}

}  // namespace

void Master::read_signals() {
  for (;;) {
    const auto signal = signals_->read();
    if (!signal) log_.error("signals cannot be read: " + signal.error().message());
    if (!signal || !*signal) return;
    act_on((*signal)->number, {SignalWay::direct, is_from_our_own(**signal, facts_.guardian)}, (*signal)->sender_pid);
  }
}

void Master::act_on(int signo, const SignalSender& sender, pid_t pid) {
  const SignalMeaning meaning = signal_rules_.meaning_of(signo, sender, now());
  if (meaning == SignalMeaning::reap) {
    workers_.reap();
    return;
  }
  const std::string name = core::signal_name(signo);
  const std::string from = pid == 0 ? "" : fmt::format(" from PID {}", pid);
  switch (meaning) {
    case SignalMeaning::ignored:
      log_.warn(fmt::format("{}{} ignored: a worker does not command its master", name, from));
      return;
    case SignalMeaning::shut_down:
    case SignalMeaning::shut_down_now:
      log_.info(fmt::format("{}{}", name, from));
      post(core::ShutdownAsked{std::nullopt, meaning == SignalMeaning::shut_down_now});
      return;
    case SignalMeaning::check_file: check_file(); return;
    case SignalMeaning::reopen_logs: log_.info("SIGUSR1: there are no log files to reopen"); return;
    case SignalMeaning::upgrade_all: upgrade_all(name); return;
    default: return;
  }
}

void Master::check_file() {
  if (plan_.file.empty()) {
    log_.info("SIGHUP: there is no configuration file to check");
    return;
  }
  const auto loaded = config::load_file(plan_.file, config::facts_of_this_machine(os::find_user, os::find_group));
  if (loaded) {
    log_.info(fmt::format("SIGHUP: {} is good; nothing was applied: liveswapctl upgrade", plan_.file));
    return;
  }
  log_.error("SIGHUP: the file is bad, nothing has changed:\n" + config::render(loaded.error()));
}

void Master::upgrade_all(std::string_view why) {
  for (std::uint64_t number = 1; number <= plan_.apps.size(); ++number) {
    const core::AppId app{number};
    auto upgrade = check_upgrade(app, {});
    if (!upgrade) {
      log_.tell(core::LogLevel::error, app_name(app), fmt::format("{}: not upgraded: {}", why, upgrade.error().text));
      continue;
    }
    const core::RequestId request = requests_.open(app, {
        .answered = [this, app, why = std::string(why)](const core::Outcome& outcome) {
          if (outcome.result == core::Result::done) return;  // told by its notes
          log_.tell(core::LogLevel::warn, app_name(app),
                    fmt::format("{}: upgrade {}: {} {}", why, core::name_of(outcome.result),
                                core::meaning_of(outcome.reason), outcome.text));
        },
        .noted = {}});
    const bool hook = !upgrade->app.hooks.pre_upgrade.empty();
    requests_.set_upgrade(request, std::move(*upgrade));
    post(core::UpgradeAsked{.request = request, .app = app, .hook = hook});
  }
}

}  // namespace liveswap::master
