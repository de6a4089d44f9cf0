// A master that does nothing but remember what it was asked, and say what a test puts into its mouth.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "master/operations.hpp"
#include "master/tickets.hpp"

namespace liveswap::master::test {

inline core::AppSnapshot app_called(std::string name, std::uint64_t id = 1) {
  core::AppSnapshot app;
  app.app = core::AppId{id};
  app.name = std::move(name);
  app.state = core::AppState::running;
  app.generation = core::GenerationId{3};
  app.release = core::ReleaseId{2};
  app.workers_wanted = app.workers_ready = 4;
  return app;
}

class FakeOperations final : public Operations {
 public:
  FakeOperations() {
    facts.name = "web";
    facts.version = "0.1.0";
    facts.pid = 4242;
    facts.since = WallTime{std::chrono::seconds(1'767'225'600)};
    facts.file = "/etc/web.yaml";
    facts.control_socket = "/run/liveswap/web/control.sock";
    state.apps = {app_called("web")};
  }

  core::Time now() const override { return core::Time{}; }
  // Simulated time 0 is the beginning of 2026.
  WallTime wall(core::Time time) const override {
    return WallTime{std::chrono::seconds(1'767'225'600)} + time.time_since_epoch();
  }
  const MasterFacts& master() const override { return facts; }
  core::Snapshot snapshot() const override { return state; }
  std::vector<ListenerRow> listeners() const override { return rows; }
  void reassert_listeners() override { ++reasserted; }
  WorkerFacts worker_facts(core::WorkerId worker) const override {
    const auto found = workers.find(worker);
    return found == workers.end() ? WorkerFacts{} : found->second;
  }
  std::vector<ConnectionRow> connections(core::WorkerId worker) const override {
    const auto found = open_connections.find(worker);
    return found == open_connections.end() ? std::vector<ConnectionRow>{} : found->second;
  }
  void count_connections(core::AppId app, std::function<void()> counted) override {
    counts.push_back(app);
    counted();
  }
  ReleaseFacts release_facts(core::AppId, core::ReleaseId) const override { return release; }
  std::uint32_t processors() const override { return 6; }

  core::RequestId open_request(core::AppId app, RequestHandlers handlers) override {
    ++last_request.value;
    requests.emplace(last_request, std::pair{app, std::move(handlers)});
    return last_request;
  }
  void close_request(core::RequestId request) override {
    requests.erase(request);
    closed.push_back(request);
  }
  std::expected<void, std::string> prepare_adoption(core::AppId, pid_t pid) override {
    if (pid == 1) return std::unexpected("PID 1: no");
    adopted = pid;
    return {};
  }
  void set_upgrade(core::RequestId request, CheckedUpgrade checked) override { upgrades[request] = checked; }
  void post(core::Event event) override { posted.push_back(std::move(event)); }
  std::optional<KnownTicket> find_ticket(const Ticket& ticket) const override { return tickets.find(ticket); }
  void keep_ticket(const Ticket& ticket, TicketCall call, std::vector<TicketPart> parts) override {
    tickets.add(ticket, std::move(call), std::move(parts), now());
  }
  AttachmentId attach(const Ticket& ticket, TicketHandlers handlers) override {
    return tickets.attach(ticket, std::move(handlers));
  }
  void detach(AttachmentId attachment) override { tickets.detach(attachment, now()); }
  std::expected<CheckedUpgrade, Refusal> check_upgrade(core::AppId app, const ReleaseOverrides& given) override {
    if (upgrade_refusal) return std::unexpected(*upgrade_refusal);
    return CheckedUpgrade{.app = {.name = "app " + std::to_string(app.value)}, .remark = {}, .overrides = given};
  }
  std::expected<std::uint32_t, std::string> signal_app(core::AppId, int signo) override {
    signals.push_back(signo);
    return signal_answer;
  }
  void reexec(const std::string& binary, BinaryTried tried) override {
    binaries.push_back(binary);
    binaries_tried.push_back(std::move(tried));
  }
  void message_app(core::AppId, std::string_view text, MessageHandler counted) override {
    messages.emplace_back(text);
    message_handlers.push_back(std::move(counted));
  }
  std::expected<bool, std::string> pause_listener(const std::string& name) override {
    paused.push_back(name);
    return pause_answer;
  }
  std::expected<bool, std::string> resume_listener(const std::string& name) override {
    resumed.push_back(name);
    return pause_answer;
  }
  std::vector<Told> last_events(const std::string& app, std::size_t max) const override {
    return last(events, app, max);
  }
  std::vector<OutputLine> last_lines(const std::string& app, std::size_t max) const override {
    return last(lines, app, max);
  }
  FollowId follow_events(EventHandler handler) override {
    event_followers.emplace(++last_follower, std::move(handler));
    return last_follower;
  }
  FollowId follow_lines(LineHandler handler) override {
    line_followers.emplace(++last_follower, std::move(handler));
    return last_follower;
  }
  void unfollow(FollowId id) override {
    event_followers.erase(id);
    line_followers.erase(id);
  }

  // What the master would do.
  void answer(core::RequestId request, const core::Outcome& outcome) {
    const auto found = requests.extract(request);
    tickets.answer(request, outcome, now());
    if (found && found.mapped().second.answered) found.mapped().second.answered(outcome);
  }
  void tell(const Told& told) {
    for (const auto& [id, request] : requests) {
      if ((!request.first || request.first == told.note.app) && request.second.noted)
        request.second.noted(told);
    }
    tickets.tell(told);
    for (const auto& [id, handler] : event_followers) handler(told);
  }
  void write_line(const OutputLine& line) {
    for (const auto& [id, handler] : line_followers) handler(line);
  }

  MasterFacts facts;
  core::Snapshot state;
  std::vector<ListenerRow> rows;
  std::map<core::WorkerId, WorkerFacts> workers;
  std::map<core::WorkerId, std::vector<ConnectionRow>> open_connections;
  std::vector<core::AppId> counts;
  ReleaseFacts release;
  std::vector<Told> events;
  std::vector<OutputLine> lines;
  std::optional<Refusal> upgrade_refusal;
  std::expected<std::uint32_t, std::string> signal_answer = 4U;
  std::expected<bool, std::string> pause_answer = true;

  core::RequestId last_request;
  std::map<core::RequestId, std::pair<core::AppId, RequestHandlers>> requests;
  Tickets tickets;
  pid_t adopted = 0;
  std::map<core::RequestId, CheckedUpgrade> upgrades;
  std::vector<core::RequestId> closed;
  std::vector<core::Event> posted;
  int reasserted = 0;
  std::vector<int> signals;
  std::vector<std::string> messages;
  std::vector<std::string> binaries;
  std::vector<BinaryTried> binaries_tried;
  std::vector<MessageHandler> message_handlers;
  std::vector<std::string> paused, resumed;
  FollowId last_follower = 0;
  std::map<FollowId, EventHandler> event_followers;
  std::map<FollowId, LineHandler> line_followers;

 private:
  template <class Item>
  static std::vector<Item> last(const std::vector<Item>& items, const std::string& app, std::size_t max) {
    std::vector<Item> chosen;
    for (const Item& item : items) {
      if (app.empty() || item.app == app) chosen.push_back(item);
    }
    if (chosen.size() > max) chosen.erase(chosen.begin(), chosen.end() - static_cast<std::ptrdiff_t>(max));
    return chosen;
  }
};

}  // namespace liveswap::master::test
