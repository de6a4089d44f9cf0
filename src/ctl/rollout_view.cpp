#include "ctl/rollout_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ctl/connections_text.hpp"
#include "ctl/reply_fields.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;

std::string exit_of(const Json& event) {
  if (const auto signal = number_in(event, "signal")) return fmt::format("signal {}", *signal);
  if (const auto status = number_in(event, "exit_status")) return fmt::format("exit status {}", *status);
  return harmless(text_in(event, "text"));
}

std::string wait_of(const Json& event) {
  const auto ms = number_in(event, "wait_ms");
  return ms ? fmt::format("again in {}.{}s", *ms / 1000, *ms % 1000 / 100) : "";
}

std::string cut_text(const Json& event) {
  const auto count = number_in(event, "count");
  return count ? fmt::format("cut with {} open", connection_count(*count)) : "cut";
}

}  // namespace

void RolloutView::add_event(const Json& event) {
  const std::string name = text_in(event, "event");
  const std::string app = harmless(text_in(event, "app"));
  const auto slot = number_in(event, "slot");
  const auto generation = number_in(event, "generation");
  // A rollout that is about one slot names it, too.
  const bool of_worker = name.starts_with("worker_") || name.starts_with("slot_");
  if (!slot || !generation || !of_worker) {
    if (!text_in(event, "message").empty()) headlines_[app] = harmless(text_in(event, "message"));
    return;
  }
  if (name == "worker_starting") forget_ended(app, *generation, *slot);
  Worker& worker = workers_[{app, *generation, *slot, number_in(event, "worker").value_or(0)}];
  const std::string cut = name == "worker_cut" ? cut_text(event) : worker.cut;
  if (name == "worker_starting") worker = {State::starting, ""};
  if (name == "worker_ready") worker = {State::ready, ""};
  if (name == "worker_draining") worker = {State::draining, ""};
  if (name == "worker_stopping") worker = {State::stopping, ""};
  if (name == "worker_killed") worker = {State::stopping, "killed"};
  if (name == "worker_exited")
    worker = {State::gone, exit_of(event) == "exit status 0" ? "" : exit_of(event)};
  if (name == "worker_died" || name == "worker_launch_failed") worker = {State::dead, exit_of(event)};
  if (name == "slot_backoff") worker = {State::waiting, wait_of(event)};
  if (name == "slot_gave_up") worker = {State::dead, "not started again"};
  worker.cut = cut;
}

// A new worker takes the place of the one that ended in its slot; one that still drains is beside it.
void RolloutView::forget_ended(const std::string& app, std::int64_t generation, std::int64_t slot) {
  std::erase_if(workers_, [&](const auto& entry) {
    const auto& [of_app, of_generation, of_slot, worker] = entry.first;
    const State state = entry.second.state;
    return of_app == app && of_generation == generation && of_slot == slot &&
           (state == State::waiting || state == State::dead || state == State::gone);
  });
}

void RolloutView::add_status(const Json& status, WallTime now) {
  for (const Json& app : list_in(status, "apps")) {
    for (const Json& each : list_in(app, "workers")) {
      const Key key{harmless(text_in(app, "name")), number_in(each, "generation").value_or(0),
                    number_in(each, "slot").value_or(0), number_in(each, "worker").value_or(0)};
      const auto found = workers_.find(key);
      if (found == workers_.end()) continue;
      found->second.connections = number_in(each, "connections").value_or(-1);
      found->second.oldest = age_since(each, "oldest", "oldest_exact", now);
    }
  }
}

bool RolloutView::is_draining() const {
  return std::ranges::any_of(workers_,
                             [](const auto& entry) { return entry.second.state == State::draining; });
}

std::string RolloutView::line_of(const Key& key, const Worker& worker, const Style& style) const {
  const auto& [app, generation, slot, number] = key;
  std::string state;
  switch (worker.state) {
    case State::starting: state = style.busy("starting"); break;
    case State::ready: state = style.good("ready"); break;
    case State::draining: state = style.busy("draining"); break;
    case State::stopping: state = style.busy("stopping"); break;
    case State::waiting: state = style.busy("waits"); break;
    case State::dead: state = style.bad("died"); break;
    case State::gone: state = style.faint("gone"); break;
  }
  std::string detail = worker.detail;
  if (worker.state == State::draining && worker.connections >= 0) {
    detail = connection_count(worker.connections) + " open";
    if (!worker.oldest.empty()) detail += ", oldest " + worker.oldest;
  }
  if (!worker.cut.empty()) detail = worker.cut + (detail.empty() ? "" : ", " + detail);
  const std::string who = padded(fmt::format("{}/{} g{}", app, slot, generation), 14);
  return "  " + who + " " + state + (detail.empty() ? "" : ": " + detail);
}

std::vector<RolloutView::Key> RolloutView::in_order() const {
  std::vector<Key> keys;
  for (const auto& [key, worker] : workers_) keys.push_back(key);
  return keys;
}

std::vector<std::string> RolloutView::lines(std::size_t columns, std::size_t rows, const Style& style) const {
  std::vector<std::string> out;
  const std::size_t notices = notice_.empty() ? 0 : 1;
  rows -= std::min(notices, rows);
  for (const auto& [app, headline] : headlines_) out.push_back(cut_to(headline, columns));
  if (out.size() > rows) out.resize(rows);
  std::vector<Key> keys = in_order();
  const std::size_t room = rows - out.size();
  if (keys.size() > room) {
    std::ranges::stable_sort(keys, {}, [this](const Key& key) { return workers_.at(key).state; });
    keys.resize(room == 0 ? 0 : room - 1);
  }
  for (const Key& key : keys) out.push_back(cut_to(line_of(key, workers_.at(key), style), columns));
  if (keys.size() < workers_.size() && out.size() < rows) {
    const std::size_t hidden = workers_.size() - keys.size();
    out.push_back(cut_to(fmt::format("  and {} more worker{}", hidden, hidden == 1 ? "" : "s"), columns));
  }
  if (notices > 0) out.push_back(style.busy(cut_to(notice_, columns)));
  return out;
}

}  // namespace liveswap::ctl
