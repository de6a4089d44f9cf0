// The methods that the shell performs itself, past the core.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "config/scalars.hpp"
#include "config/text.hpp"
#include "master/app_choice.hpp"
#include "master/commands.hpp"
#include "master/outcome_json.hpp"
#include "master/wall_time.hpp"
#include "wire/channel.hpp"
#include "wire/json_fields.hpp"

namespace liveswap::master {

namespace {

void refuse(const Exchange& exchange, const core::Outcome& outcome) {
  exchange.replies.send(reply_of(outcome, exchange.master.snapshot()));
}

// The app of a call that turns to its workers. None: the call has been refused, as where there are no workers at all.
std::optional<core::AppSnapshot> app_with_workers(const Exchange& exchange, const std::optional<std::string>& name) {
  const core::Snapshot snapshot = exchange.master.snapshot();
  const auto apps = app_to_change(snapshot, name);
  if (!apps) {
    refuse(exchange, apps.error());
    return std::nullopt;
  }
  const core::AppSnapshot& app = *apps->front();
  if (app.state == core::AppState::stopped) {
    refuse(exchange, refused(core::Result::failed, core::Reason::not_running, "", &app));
    return std::nullopt;
  }
  return app;
}

core::Outcome no_such_listener(const Operations& master, const std::string& name) {
  std::vector<std::string> names;
  for (const ListenerRow& row : master.listeners()) {
    if (row.index == 0) names.push_back(row.name);
  }
  return refused(
      core::Result::bad_usage, core::Reason::no_such_listener,
      fmt::format("there is no listener {}{}", config::quoted(name), config::did_you_mean(name, names)));
}

void pause_or_resume(const Exchange& exchange,
                     std::expected<bool, std::string> (Operations::*change)(const std::string&)) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("listener");
  if (const auto bad = fields.bad()) return exchange.invalid_parameter(*bad);
  if (!name) return exchange.invalid_parameter("listener");
  const auto rows = exchange.master.listeners();
  const auto row = std::ranges::find(rows, *name, &ListenerRow::name);
  if (row == rows.end()) {
    return refuse(exchange, no_such_listener(exchange.master, *name));
  }
  const auto changed = (exchange.master.*change)(*name);
  if (!changed)
    return refuse(exchange, refused(core::Result::failed, core::Reason::pause_failed, changed.error()));
  exchange.reply({{"changed", *changed}, {"open", row->open}});
}

// The workers' commands may have to be started first. The call may be gone when they have been.
class MessageCall final : public Pending {
 public:
  MessageCall(const Exchange& exchange, core::AppSnapshot app)
      : master_(exchange.master), replies_(exchange.replies), app_(std::move(app)) {}

  void ask(std::string_view text) {
    master_.message_app(app_.app, text, [this, alive = std::weak_ptr(alive_)](const MessageCount& count) {
      if (!alive.expired()) answer(count);
    });
  }

 private:
  void answer(const MessageCount& count) {
    if (count.reached > 0) {
      return replies_.send({.parameters = {{"reached", count.reached}, {"workers", count.workers}}});
    }
    const std::string text = fmt::format("told none of {} worker{}", count.workers, count.workers == 1 ? "" : "s");
    replies_.send(
        reply_of(refused(core::Result::failed, core::Reason::message_failed, text, &app_), master_.snapshot()));
  }

  Operations& master_;
  Replies& replies_;
  core::AppSnapshot app_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace

std::unique_ptr<Pending> call_Message(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const auto text = fields.text("text");
  const auto bad = fields.bad();
  if (bad || !text) {
    exchange.invalid_parameter(bad.value_or("text"));
    return nullptr;
  }
  if (text->empty() || text->size() > wire::channel::kTextMax) {
    std::string why = fmt::format("a message has 1 to {} bytes, this one {}", wire::channel::kTextMax, text->size());
    refuse(exchange, refused(core::Result::bad_usage, core::Reason::bad_argument, std::move(why)));
    return nullptr;
  }
  auto app = app_with_workers(exchange, name);
  if (!app) return nullptr;
  auto call = std::make_unique<MessageCall>(exchange, std::move(*app));
  call->ask(*text);
  return call;
}

// Binaries are tried before the answer, which may be gone by then.
class ReexecCall final : public Pending {
 public:
  explicit ReexecCall(const Exchange& exchange) : master_(exchange.master), replies_(exchange.replies) {}

  void ask(const std::string& binary) {
    master_.reexec(binary, [this, alive = std::weak_ptr(alive_)](const std::expected<std::string, std::string>& tried) {
      if (!alive.expired()) answer(tried);
    });
  }

 private:
  void answer(const std::expected<std::string, std::string>& version) {
    if (version) {
      return replies_.send({.parameters = {{"version", *version}, {"since", rfc3339(master_.master().since)}}});
    }
    replies_.send(reply_of(refused(core::Result::failed, core::Reason::reexec_failed, version.error()),
                           master_.snapshot()));
  }

  Operations& master_;
  Replies& replies_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

std::unique_ptr<Pending> call_Reexec(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto binary = fields.text("binary");
  if (const auto bad = fields.bad()) {
    exchange.invalid_parameter(*bad);
    return nullptr;
  }
  if (binary && !binary->starts_with('/')) {
    refuse(exchange, refused(core::Result::bad_usage, core::Reason::bad_argument,
                             fmt::format("{} is no absolute path", config::quoted(*binary))));
    return nullptr;
  }
  auto call = std::make_unique<ReexecCall>(exchange);
  call->ask(binary.value_or(""));
  return call;
}

std::unique_ptr<Pending> call_Pause(const Exchange& exchange) {
  pause_or_resume(exchange, &Operations::pause_listener);
  return nullptr;
}

std::unique_ptr<Pending> call_Resume(const Exchange& exchange) {
  pause_or_resume(exchange, &Operations::resume_listener);
  return nullptr;
}

std::unique_ptr<Pending> call_Signal(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const auto text = fields.text("signal");
  const auto bad = fields.bad();
  if (bad || !text) {
    exchange.invalid_parameter(bad.value_or("signal"));
    return nullptr;
  }
  const auto signo = config::parse_signal(*text);
  if (!signo) {
    refuse(exchange, refused(core::Result::bad_usage, core::Reason::bad_argument, signo.error()));
    return nullptr;
  }
  const auto app = app_with_workers(exchange, name);
  if (!app) return nullptr;
  const auto sent = exchange.master.signal_app(app->app, *signo);
  if (sent) {
    exchange.reply({{"sent", *sent}});
  } else {
    refuse(exchange, refused(core::Result::failed, core::Reason::signal_failed, sent.error(), &*app));
  }
  return nullptr;
}

}  // namespace liveswap::master
