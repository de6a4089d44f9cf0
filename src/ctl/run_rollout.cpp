// The commands that take their time: what happens is shown until the outcome comes.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "ctl/call_parameters.hpp"
#include "ctl/reply_fields.hpp"
#include "ctl/rollout_view.hpp"
#include "ctl/run.hpp"
#include "ctl/ticketed_call.hpp"
#include "wire/control.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;
using Clock = Client::Clock;

// The master answers a wait's end itself; this much later it counts as hung.
constexpr auto kGrace = std::chrono::seconds(10);
constexpr auto kTick = std::chrono::seconds(1);

// The deadlines of a wait: the user's own, and when the master counts as hung.
struct Limits {
  std::optional<Clock::time_point> timeout, give_up;
};

class Progress {
 public:
  Progress(Session& session, Json parameters, const Limits& limits)
      : session_(session),
        call_(session, std::move(parameters), limits.timeout, [this] { say_away(); }),
        give_up_(limits.give_up),
        screen_(session.output().out()) {}

  int run() {
    const auto sent = call_.send();
    return sent ? follow(give_up_) : sent.error();
  }

 private:
  int follow(std::optional<Clock::time_point> give_up) {
    for (;;) {
      const auto reply = call_.next(next_look(give_up));
      if (!reply && reply.error().why == NoReply::Why::late && !(give_up && Clock::now() >= *give_up)) {
        look();
      } else if (!reply) {
        return end(ending_without_reply(reply.error()));
      } else if (reply->continues) {
        say_back();
        show(reply->parameters);
      } else {
        return end(ending_of(*reply));
      }
    }
  }

  void say_away() {
    if (!is_drawn()) return session_.output().notice(kAwayEvent, kAwayText);
    view_.set_notice(std::string(kAwayText));
    draw();
  }

  void say_back() {
    if (!view_.has_notice()) return;
    view_.set_notice("");
    draw();
  }

  [[nodiscard]] bool is_drawn() const {
    return session_.output().terminal().is_terminal && !session_.output().json();
  }

  [[nodiscard]] std::optional<Clock::time_point> next_look(std::optional<Clock::time_point> give_up) const {
    if (!is_drawn() || !view_.is_draining()) return give_up;
    const auto tick = Clock::now() + kTick;
    return give_up ? std::min(*give_up, tick) : tick;
  }

  void show(const Json& parameters) {
    const Json& event = object_in(parameters, "event");
    const Json& outcome = object_in(parameters, "outcome");
    if (!outcome.empty()) endings_.push_back(ending_of_outcome(outcome));
    const Output& output = session_.output();
    if (output.json()) {
      if (!event.empty()) output.object("event", event);
    } else if (!is_drawn()) {
      if (!event.empty()) output.text(harmless(text_in(event, "message")) + "\n");
    } else if (!event.empty()) {
      view_.add_event(event);
      draw();
    }
  }

  // How many connections are left open is no event: it is looked up while somebody watches.
  void look() {
    if (!looker_) {
      auto opened = Client::open((*session_.client())->path());
      if (!opened) return;
      looker_ = std::move(*opened);
    }
    const auto status = looker_->ask("Status", Json::object(), kTick);
    if (!status || !status->error.empty()) {
      looker_.reset();
      return;
    }
    view_.add_status(status->parameters, std::chrono::system_clock::now());
    draw();
  }

  void draw() {
    const Terminal& terminal = session_.output().terminal();
    screen_.draw(view_.lines(terminal.columns - 1, terminal.rows > 2 ? terminal.rows - 2 : 1, terminal.out));
  }

  // Of several apps each one's ending is shown: the one that decides, which the last reply repeats, comes last.
  int end(const Ending& last) {
    say_back();
    screen_.keep();
    for (const Ending& ending : endings_) {
      if (ending.app != last.app) session_.end(ending);
    }
    return session_.end(last);
  }

  Ending ending_without_reply(const NoReply& none) const {
    Ending ending = ending_of(session_.failure_of(none));
    const std::string app = session_.arguments().words.empty() ? "" : session_.arguments().words.front();
    const bool rollout =
        session_.command() == "upgrade" || session_.command() == "restart" || session_.command() == "scale";
    if (none.why == NoReply::Why::interrupted) {
      ending.text = rollout ? "interrupted; the rollout goes on" : "interrupted; what was asked for goes on";
      ending.next = rollout ? std::string(core::next_step_of(core::Reason::interrupted)) : "";
      if (!app.empty()) ending.next = wire::control::name_app_in(ending.next, app);
    } else if (none.why == NoReply::Why::late) {
      ending.text += " in time; what was asked for may go on";
    } else {
      ending.text += fmt::format(", before {} had ended; what was asked for may have happened, or happen still",
                                 session_.command());
    }
    return ending;
  }

  Session& session_;
  TicketedCall call_;
  std::optional<Clock::time_point> give_up_;
  Screen screen_;
  RolloutView view_;
  std::optional<Client> looker_;
  std::vector<Ending> endings_;  // of the apps that are through, where there are several
};

int ask_and_follow(Session& session) {
  auto parameters = parameters_of(session.arguments(), session.wanted().folder);
  if (!parameters) return session.bad_usage(parameters.error());
  Limits limits;
  if (const auto ms = number_in(*parameters, "timeout_ms")) {
    const auto longest = std::chrono::hours(24 * 365);
    limits.timeout =
        Clock::now() +
        std::min<Clock::duration>(std::chrono::milliseconds(std::min<std::int64_t>(*ms, 1LL << 40)), longest);
    limits.give_up = *limits.timeout + kGrace;
  }
  return Progress(session, std::move(*parameters), limits).run();
}

}  // namespace

int run_Upgrade(Session& session) { return ask_and_follow(session); }
int run_Abort(Session& session) { return ask_and_follow(session); }
int run_Wait(Session& session) { return ask_and_follow(session); }
int run_Scale(Session& session) { return ask_and_follow(session); }
int run_Restart(Session& session) { return ask_and_follow(session); }
int run_Start(Session& session) { return ask_and_follow(session); }
int run_Adopt(Session& session) { return ask_and_follow(session); }
int run_Stop(Session& session) { return ask_and_follow(session); }
int run_Drain(Session& session) { return ask_and_follow(session); }
int run_Shutdown(Session& session) { return ask_and_follow(session); }

}  // namespace liveswap::ctl
