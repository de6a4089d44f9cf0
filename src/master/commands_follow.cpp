// The methods that show what was, and follow what comes: events and workers' lines.
//
// What was is sent in replies of a bounded size, and of it no more than a client may leave unread; the oldest
// are left out first, and counted. While it does not read, what comes is left out too, and counted.
#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "master/app_choice.hpp"
#include "master/commands.hpp"
#include "master/outcome_json.hpp"
#include "master/status_json.hpp"
#include "wire/json_fields.hpp"

namespace liveswap::master {

namespace {

using wire::Json;

// By the bytes of its text, an item takes up to six times as much as JSON, and some 300 besides.
constexpr std::size_t kItemCost = 300;
constexpr std::size_t kReplyCost = std::size_t{100}
                                   << 10;  // so a reply stays below what the peer's parser takes
constexpr std::size_t kReplyItems = 500;
constexpr std::size_t kCallCost = std::size_t{512} << 10;
constexpr std::int64_t kLastMost = 100'000;
constexpr std::int64_t kLastDefault = 100;

struct Asked {
  std::string app;
  std::size_t last = 0;
  bool follow = false;
};

// Nothing: it has been answered with an error.
std::optional<Asked> read(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto app = fields.text("app");
  const auto last = fields.integer("last", 0, kLastMost);
  const bool follow = fields.flag("follow");
  if (const auto bad = fields.bad()) {
    exchange.invalid_parameter(*bad);
    return std::nullopt;
  }
  if (follow && !exchange.call.more) {
    exchange.fail("org.varlink.service.ExpectedMore", Json::object());
    return std::nullopt;
  }
  const core::Snapshot snapshot = exchange.master.snapshot();
  const auto apps = apps_to_look_at(snapshot, app);
  if (!apps) {
    exchange.replies.send(reply_of(apps.error(), snapshot));
    return std::nullopt;
  }
  return Asked{app.value_or(""), static_cast<std::size_t>(last.value_or(kLastDefault)), follow};
}

std::size_t cost_of(const OutputLine& line) { return line.text.size() + kItemCost; }

std::size_t cost_of(const Told& told) {
  std::size_t cost = told.text.size() + told.note.text.size() + 2 * kItemCost;
  for (const std::string& line : told.note.last_lines) cost += line.size();
  return cost;
}

Json json_of(const OutputLine& line) { return line_json(line); }
Json json_of(const Told& told) { return event_json(told); }

// The first of the newest items that together cost no more than `most`.
template <class Item>
std::size_t first_within(const std::vector<Item>& items, std::size_t most) {
  std::size_t first = items.size();
  for (std::size_t cost = 0; first > 0; --first) {
    cost += cost_of(items[first - 1]);
    if (cost > most) break;
  }
  return first;
}

template <class Item>
void send_what_was(const Exchange& exchange, std::string_view member, const std::vector<Item>& items,
                   bool follow) {
  const std::size_t first = first_within(items, exchange.call.more ? kCallCost : kReplyCost);
  std::size_t skipped = first;
  std::size_t next = first;
  do {
    Json batch = Json::array();
    for (std::size_t cost = 0; next < items.size() && batch.size() < kReplyItems; ++next) {
      cost += cost_of(items[next]);
      if (cost > kReplyCost && !batch.empty()) break;
      batch.push_back(json_of(items[next]));
    }
    const bool last = next == items.size();
    Json parameters{{std::string(member), std::move(batch)}, {"skipped", std::exchange(skipped, 0)}};
    exchange.replies.send({.parameters = std::move(parameters), .continues = follow || !last});
  } while (next < items.size());
}

class Following final : public Pending {
 public:
  Following(Operations& master, Replies& replies, std::string_view member, std::string app)
      : master_(master), replies_(replies), member_(member), app_(std::move(app)) {}
  ~Following() override { master_.unfollow(id_); }

  void follow_events() {
    id_ = master_.follow_events([this](const Told& told) { add(told); });
  }
  void follow_lines() {
    id_ = master_.follow_lines([this](const OutputLine& line) { add(line); });
  }

 private:
  template <class Item>
  void add(const Item& item) {
    if (!app_.empty() && item.app != app_) return;
    if (replies_.congested()) {
      ++skipped_;
      return;
    }
    Json items = Json::array();
    items.push_back(json_of(item));
    Json parameters{{member_, std::move(items)}, {"skipped", std::exchange(skipped_, 0)}};
    replies_.send({.parameters = std::move(parameters), .continues = true});
  }

  Operations& master_;
  Replies& replies_;
  std::string member_;
  std::string app_;
  FollowId id_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace

std::unique_ptr<Pending> call_Events(const Exchange& exchange) {
  const auto asked = read(exchange);
  if (!asked) return nullptr;
  send_what_was(exchange, "events", exchange.master.last_events(asked->app, asked->last), asked->follow);
  if (!asked->follow) return nullptr;
  auto following = std::make_unique<Following>(exchange.master, exchange.replies, "events", asked->app);
  following->follow_events();
  return following;
}

std::unique_ptr<Pending> call_Logs(const Exchange& exchange) {
  const auto asked = read(exchange);
  if (!asked) return nullptr;
  send_what_was(exchange, "lines", exchange.master.last_lines(asked->app, asked->last), asked->follow);
  if (!asked->follow) return nullptr;
  auto following = std::make_unique<Following>(exchange.master, exchange.replies, "lines", asked->app);
  following->follow_lines();
  return following;
}

}  // namespace liveswap::master
