#include "master/workers.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <variant>

#include "master/worker_process.hpp"
#include "master/workers_state.hpp"
#include "os/file.hpp"

namespace liveswap::master {
namespace {

std::string make_token() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) number = static_cast<std::uint64_t>(::getpid());
  return fmt::format("{:016x}", number);
}

// Sockets of workers whose master did not end by itself: nobody reads them any more.
void remove_old_sockets(const std::string& runtime_dir) {
  const auto names = os::list_directory(runtime_dir);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.starts_with("worker-") && name.ends_with(".sock")) ::unlink((runtime_dir + "/" + name).c_str());
  }
}

}  // namespace

Workers::Workers(WorkerSetup setup)
    : context_{std::move(setup), Children(setup.loop), 0, make_token(), [this](core::WorkerId id) { bury(id); },
               [this](core::WorkerId id) { begin_drain(id); },
               [this](core::WorkerId id) { begin_drain(id); },
               [this](const std::string& path) { status_files_.changed(path); }},
      drain_watch_(context_.setup.loop, count_handlers()),
      status_files_(context_.setup.loop, context_.setup.log, [this](const std::string& path) { return living(path); }),
      burial_(context_.setup.loop, [this] {
        for (const core::WorkerId worker : std::exchange(dead_, {})) {
          drain_watch_.forget(worker);
          cut_.erase(worker);
          workers_.erase(worker);
        }
      }) {
  if (!context_.setup.takes_over) remove_old_sockets(context_.setup.runtime_dir);
}

Workers::~Workers() {
  for (const auto& [id, worker] : workers_) worker->kill();
}

void Workers::spawn(const core::Spawn& spawn, std::shared_ptr<const Release> release) {
  auto& worker = workers_[spawn.worker];
  worker = std::make_unique<WorkerProcess>(context_, spawn, std::move(release));
  worker->start();
  held_.push_back(spawn.worker);
}

void Workers::let_run() {
  for (const core::WorkerId id : std::exchange(held_, {})) {
    if (WorkerProcess* worker = find(id)) worker->let_run();
  }
}

// ---- from master to master ----

WorkersState Workers::save() const {
  WorkersState state{.token = context_.token, .workers = {}};
  for (const auto& [id, worker] : workers_) {
    WorkerState its = worker->save();
    its.draining = drain_watch_.drains(id);
    state.workers.push_back(std::move(its));
  }
  return state;
}

// The token stays: other masters' workers must not be taken for ours, and the numbers of workers go on.
std::vector<std::string> Workers::restore(WorkersState state, const ReleaseOf& release_of) {
  std::vector<std::string> problems;
  context_.token = std::move(state.token);
  for (WorkerState& saved : state.workers) {
    const core::Spawn ids = saved.ids;
    auto release = release_of(ids.app, ids.release);
    if (!release) continue;  // no state has a worker without its release
    const bool drains = saved.draining;
    const bool launched = saved.launched;
    auto& worker = workers_[ids.worker];
    worker = std::make_unique<WorkerProcess>(context_, ids, std::move(release));
    worker->restore(std::move(saved), problems);
    if (!launched) held_.push_back(ids.worker);
    if (drains && find(ids.worker) != nullptr) begin_drain(ids.worker);
  }
  return problems;
}

void Workers::adopt(const core::Spawn& spawn, std::shared_ptr<const Release> release, Adoption adoption) {
  auto& worker = workers_[spawn.worker];
  worker = std::make_unique<WorkerProcess>(context_, spawn, std::move(release));
  worker->adopt(std::move(adoption));
}

void Workers::recall(const core::Event& event) {
  const auto recall = [&](core::WorkerId id, void (WorkerProcess::*how)()) {
    if (WorkerProcess* worker = find(id)) (worker->*how)();
  };
  if (const auto* begun = std::get_if<core::Launched>(&event)) recall(begun->worker, &WorkerProcess::was_launched);
  if (const auto* ready = std::get_if<core::WorkerReady>(&event)) recall(ready->worker, &WorkerProcess::was_ready);
  if (const auto* leaves = std::get_if<core::WorkerStopping>(&event)) {
    recall(leaves->worker, &WorkerProcess::was_stopping);
  }
}

void Workers::starve(core::WorkerId id) {
  WorkerProcess* worker = find(id);
  if (worker == nullptr) return;
  worker->starve();
}

void Workers::ask_drain(const core::AskDrain& drain) {
  if (WorkerProcess* worker = find(drain.worker)) worker->drain(drain.timeout);
}

void Workers::signal(const core::SignalWorker& signal) {
  WorkerProcess* worker = find(signal.worker);
  if (worker == nullptr) return;
  if (signal.whole_tree) {
    worker->signal_all(signal.signo);
  } else {
    (void)worker->signal_main(signal.signo);
  }
}

std::uint32_t Workers::signal_app(core::AppId app, int signo) {
  std::uint32_t count = 0;
  for (const auto& [id, worker] : workers_) {
    if (worker->app() == app && worker->signal_main(signo)) ++count;
  }
  return count;
}

void Workers::message_app(core::AppId app, std::string_view text, MessageHandler counted) {
  struct Tally {
    MessageCount count;
    std::uint32_t open = 1;  // this function itself
    MessageHandler counted;
    void settle() {
      if (--open == 0) counted(count);
    }
  };
  const auto tally = std::make_shared<Tally>();
  tally->counted = std::move(counted);
  for (const auto& [id, worker] : workers_) {
    if (worker->app() != app || !worker->lives()) continue;
    ++tally->count.workers;
    ++tally->open;
    worker->tell(text, [tally](bool reached) {
      if (reached) ++tally->count.reached;
      tally->settle();
    });
  }
  tally->settle();
}

std::vector<StatusRow> Workers::living(const std::string& status_file) const {
  std::vector<StatusRow> rows;
  for (const auto& [id, worker] : workers_) {
    if (worker->status_file() != status_file) continue;
    if (const pid_t pid = worker->facts().pid; pid != 0) rows.push_back({worker->generation().value, pid});
  }
  return rows;
}

WorkerProcess* Workers::find(core::WorkerId worker) const {
  const auto found = workers_.find(worker);
  return found != workers_.end() ? found->second.get() : nullptr;
}

void Workers::bury(core::WorkerId worker) {
  context_.setup.left(worker);
  dead_.push_back(worker);
  burial_.schedule();
}

}  // namespace liveswap::master
