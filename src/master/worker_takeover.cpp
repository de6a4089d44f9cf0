// A worker from one master to the next: the third part of worker_process.hpp.
#include <fmt/format.h>

#include <utility>

#include "master/worker_process.hpp"
#include "master/workers_state.hpp"
#include "os/procfs.hpp"

namespace liveswap::master {

ProcessState WorkerProcess::state_of(const std::unique_ptr<WatchedProcess>& process) const {
  return process ? ProcessState{process->pid(), process->number()} : ProcessState{};
}

WorkerState WorkerProcess::save() const {
  WorkerState state{.ids = ids_, .mark = traits_.mark, .started = started_, .session = session_, .cgroup = {}};
  if (cgroup_) state.cgroup = cgroup_->path();
  state.main = state_of(main_);
  for (const auto& process : former_) state.former.push_back(state_of(process));
  for (const TreeMember& member : kin_) state.kin.push_back(member.pid);
  state.adopted = adopted_;
  state.preloads = preloads_;
  state.running = running_;
  state.failed = failed_;
  state.ready = ready_;
  state.stopping = stopping_;
  state.starving = starving_ != nullptr;
  state.starved = starved_;
  state.launched = launched_;
  state.problems_told = problems_told_;
  state.status = status_;
  state.connections = connections_;
  state.last_number = keeper_.last();
  if (notify_) state.notify = notify_->save();
  if (channel_) state.channel = channel_->save();
  for (const auto& link : links_) state.links.push_back(link->save());
  if (binds_) state.binds = binds_->save();
  if (state.binds && seccomp_binds_) state.binds->notifier = seccomp_binds_->number();
  state.output = output_.save();
  return state;
}

void WorkerProcess::restore(WorkerState state, std::vector<std::string>& problems) {
  keeper_.go_on_from(state.last_number);
  traits_.mark = std::move(state.mark);
  started_ = state.started;
  session_ = state.session;
  adopted_ = state.adopted;
  preloads_ = state.preloads;
  running_ = state.running;
  failed_ = state.failed;
  ready_ = state.ready;
  stopping_ = state.stopping;
  starved_ = state.starved;
  launched_ = state.launched;
  problems_told_ = state.problems_told;
  status_ = std::move(state.status);
  connections_ = state.connections;
  if (state.cgroup) cgroup_ = os::Cgroup::existing(std::move(*state.cgroup));
  std::vector<std::string> lost;
  main_ = restore_process(state.main, lost);
  for (const ProcessState& process : state.former) {
    if (auto restored = restore_process(process, lost)) former_.push_back(std::move(restored));
  }
  restore_kin(state.kin);
  restore_speech(state, lost);
  for (const std::string& problem : lost) problems.push_back(subject() + ": " + problem);
  if (state.starving && !starved_ && main_) starving_ = watch_queues();
  go_on();
}

// What the master before would have gone on with.
void WorkerProcess::go_on() {
  if (main_) {
    main_changed();
    if (running_ && !ready_ && !failed_) begin_readiness();
    return;
  }
  if (!running_ || failed_) return end();
  if (!watch_leftovers()) {
    context_.setup.post(core::TreeGone{ids_.worker});
    end();
  }
}

void WorkerProcess::was_launched() {
  launched_ = true;
  if (std::exchange(running_, true) || !main_ || failed_) return;
  begin_readiness();
}

std::unique_ptr<WatchedProcess> WorkerProcess::restore_process(const ProcessState& state,
                                                               std::vector<std::string>& problems) {
  if (state.pid == 0) return nullptr;
  auto left = keeper_.take(KeepRole::worker_pidfd, state.pidfd);
  auto process = left ? WatchedProcess::open(
                            context_.setup.loop, context_.children, state.pid, std::move(left->fd),
                            [this, pid = state.pid](const os::ExitStatus& status) { on_process_ended(pid, status); },
                            std::move(left->part))
                      : std::unexpected(left.error());
  if (!process) {
    problems.push_back(fmt::format("PID {}: {}", state.pid, process.error().message()));
    return nullptr;
  }
  const auto stat = os::read_process_stat(state.pid);
  const bool is_guardians = context_.guardian != 0 && stat && stat->ppid == context_.guardian;
  if (is_guardians) (*process)->wait_for_guardian();
  return std::move(*process);
}

// They are held by number alone since they were seen last: one that is somebody else by now has another parent.
void WorkerProcess::restore_kin(const std::vector<pid_t>& kin) {
  if (kin.empty() || !main_) return;
  kin_.clear();
  (void)find_others();
}

void WorkerProcess::restore_speech(WorkerState& state, std::vector<std::string>& problems) {
  const auto lost = [&](const os::Error& error) { problems.push_back(error.message()); };
  if (const auto output = output_.restore(state.output); !output) lost(output.error());
  if (state.notify) {
    auto left = keeper_.take(KeepRole::worker_notify, state.notify->socket);
    auto notify = left ? NotifySocket::go_on(context_.setup.loop, std::move(*left), state.notify->address,
                                             release_->worker_uid(), notify_handlers())
                       : std::unexpected(left.error());
    if (notify) notify_ = std::move(*notify);
    if (!notify) lost(notify.error());
    traits_.notify_socket = state.notify->address;
  }
  if (state.binds) restore_binds(std::move(*state.binds), problems);
  if (!state.links.empty()) {
    if (auto opened = open_links(std::move(state.links)); !opened) problems.push_back(opened.error());
  }
  for (const auto& link : links_) link->given();
  if (!state.channel || state.channel->channel == 0) return;
  auto left = keeper_.take(KeepRole::worker_channel, state.channel->channel);
  auto channel = left ? WorkerChannel::go_on(context_.setup.loop, std::move(*left), keeps_channel(), channel_handlers(),
                                             std::move(*state.channel))
                      : std::unexpected(left.error());
  if (channel) channel_ = std::move(*channel);
  if (!channel) lost(channel.error());
}

void WorkerProcess::restore_binds(BindWatchState state, std::vector<std::string>& problems) {
  const bool preloads = preloads_;
  open_binds();
  preloads_ = preloads;  // as it was started
  if (!binds_) return;
  const std::uint32_t notifier = state.notifier;
  binds_->restore(std::move(state), problems);
  if (notifier == 0) return;
  auto left = keeper_.take(KeepRole::worker_filter, notifier);
  auto calls = left ? SeccompBinds::open(context_.setup.loop, std::move(*left), *binds_)
                    : std::unexpected(left.error());
  if (calls) seccomp_binds_ = std::move(*calls);
  if (!calls) problems.push_back("what it binds cannot be seen to: " + calls.error().message());
}

}  // namespace liveswap::master
