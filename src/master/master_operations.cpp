#include <fmt/format.h>
#include <unistd.h>

// Master as the control commands see it.
#include "master/master.hpp"

#include <algorithm>
#include <utility>

#include "master/bind_way.hpp"

namespace liveswap::master {

namespace {

// Followers of events and of lines are told apart by the lowest bit of their number.
constexpr FollowId kOfLines = 1;

constexpr FollowId public_id(FollowId own, FollowId kind) { return own * 2 + kind; }

}  // namespace

WallTime Master::wall(core::Time time) const {
  // Rounded, so that the two clocks' being read one after the other does not show in the milliseconds.
  using Milliseconds = std::chrono::milliseconds;
  const auto offset =
      std::chrono::round<Milliseconds>(std::chrono::system_clock::now().time_since_epoch() - loop_.now());
  return WallTime(offset + time.time_since_epoch());
}

void Master::reassert_listeners() {
  for (std::uint64_t number = 1; number <= plan_.apps.size(); ++number) {
    perform(core::ReassertListeners{core::AppId{number}});
  }
}

WorkerFacts Master::worker_facts(core::WorkerId worker) const { return workers_.facts(worker); }

void Master::count_connections(core::AppId app, std::function<void()> counted) {
  workers_.count_connections(app, std::move(counted));
}

ReleaseFacts Master::release_facts(core::AppId app, core::ReleaseId release) const {
  const auto found = releases_.find({app, release});
  if (found != releases_.end()) return found->second->facts();
  const core::AppPlan& plan = plan_.apps.at(app.value - 1);
  ReleaseFacts facts{.protocol = plan.protocol, .bind_by = {}, .target = plan.target, .command = plan.command,
                     .overrides = {}};
  if (plan.protocol == core::Protocol::bind) facts.bind_by = bind_way(plan.bind_by).by;
  return facts;
}

core::RequestId Master::open_request(core::AppId app, RequestHandlers handlers) {
  return requests_.open(app, std::move(handlers));
}

void Master::close_request(core::RequestId request) {
  if (requests_.close(request)) post(core::RequestGone{request});
}

void Master::set_upgrade(core::RequestId request, CheckedUpgrade upgrade) {
  requests_.set_upgrade(request, std::move(upgrade));
}

std::optional<KnownTicket> Master::find_ticket(const Ticket& ticket) const { return requests_.tickets().find(ticket); }

void Master::keep_ticket(const Ticket& ticket, TicketCall call, std::vector<TicketPart> parts) {
  requests_.tickets().add(ticket, std::move(call), std::move(parts), now());
}

AttachmentId Master::attach(const Ticket& ticket, TicketHandlers handlers) {
  return requests_.tickets().attach(ticket, std::move(handlers));
}

void Master::detach(AttachmentId attachment) {
  requests_.tickets().detach(attachment, now());
  follow_left();
}

void Master::give_up_left() {
  for (const core::RequestId request : requests_.give_up_left(snapshot(), now())) post(core::RequestGone{request});
  follow_left();
}

void Master::follow_left() {
  const core::Time next = requests_.next_deadline();
  if (next == core::kNever) {
    away_timer_.stop();
  } else {
    away_timer_.start_at(next.time_since_epoch());
  }
}

std::expected<void, std::string> Master::prepare_adoption(core::AppId app, pid_t pid) {
  if (app_plan(app).protocol != core::Protocol::bind) {
    return std::unexpected("adopt is for apps with protocol: bind: the next release binds the same ports by itself");
  }
  if (pid == ::getpid() || workers_.children().knows(pid)) {
    return std::unexpected(fmt::format("PID {} is the master, or a worker of it already", pid));
  }
  auto prepared = master::prepare_adoption(pid);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  adoptions_.insert_or_assign(app, std::move(*prepared));
  return {};
}

std::expected<CheckedUpgrade, Refusal> Master::check_upgrade(core::AppId app, const ReleaseOverrides& overrides) {
  auto read = reread_app(plan_, app_name(app));
  if (!read) return std::unexpected(read.error());
  if (const auto usable = check_overrides(read->app, overrides); !usable) return std::unexpected(usable.error());
  CheckedUpgrade upgrade{std::move(read->app), std::move(read->remark), overrides};
  if (plan_.file.empty() && overrides.target) {  // it is no override: it becomes the app's own (keep_target)
    upgrade.app.target = std::exchange(upgrade.overrides.target, std::nullopt);
  }
  return upgrade;
}

std::expected<std::uint32_t, std::string> Master::signal_app(core::AppId app, int signo) {
  return workers_.signal_app(app, signo);
}

void Master::message_app(core::AppId app, std::string_view text, MessageHandler counted) {
  workers_.message_app(app, text, std::move(counted));
}

std::expected<bool, std::string> Master::pause_listener(const std::string& name) { return listeners_.pause(name); }

std::expected<bool, std::string> Master::resume_listener(const std::string& name) { return listeners_.resume(name); }

std::vector<Told> Master::last_events(const std::string& app, std::size_t max) const {
  return events_.last(max, [&app](const Told& told) { return app.empty() || told.app.empty() || told.app == app; });
}

std::vector<OutputLine> Master::last_lines(const std::string& app, std::size_t max) const {
  return output_.last(app, max);
}

FollowId Master::follow_events(EventHandler handler) {
  return public_id(events_.followers().follow(std::move(handler)), 0);
}

FollowId Master::follow_lines(LineHandler handler) {
  return public_id(output_.followers().follow(std::move(handler)), kOfLines);
}

void Master::unfollow(FollowId id) {
  if (id % 2 == kOfLines) {
    output_.followers().unfollow(id / 2);
  } else {
    events_.followers().unfollow(id / 2);
  }
}

}  // namespace liveswap::master
