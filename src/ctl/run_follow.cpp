// The commands that show what was, and with -f what comes: events and logs.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "ctl/call_parameters.hpp"
#include "ctl/reply_fields.hpp"
#include "ctl/return_to_master.hpp"
#include "ctl/run.hpp"
#include "ctl/status_text.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;

// Which item was shown last. A master that we have come back to begins with what was, by numbers of its own where it is
// another one.
class Shown {
 public:
  // It came after all that was shown, or nothing has to be left out any more.
  bool is_new(const Json& item) {
    const Mark mark{text_in(item, "time"), number_in(item, "number").value_or(0)};
    if (returned_ && mark <= last_) return false;
    returned_ = false;
    last_ = mark;
    return true;
  }
  void came_back() { returned_ = true; }

 private:
  using Mark = std::pair<std::string, std::int64_t>;  // times are all UTC, and written alike
  Mark last_;
  bool returned_ = false;
};

void show(const Session& session, const Json& parameters, Shown& shown) {
  const Output& output = session.output();
  const std::int64_t skipped = number_in(parameters, "skipped").value_or(0);
  if (skipped > 0 && output.json()) output.object({{"type", "skipped"}, {"count", skipped}});
  if (skipped > 0 && !output.json()) output.text(fmt::format("... {} left out\n", skipped));
  for (const Json& event : list_in(parameters, "events")) {
    if (!shown.is_new(event)) continue;
    if (output.json()) {
      output.object("event", event);
    } else {
      output.text(event_text(event, output.terminal().out) + "\n");
    }
  }
  for (const Json& line : list_in(parameters, "lines")) {
    if (!shown.is_new(line)) continue;
    if (output.json()) {
      output.object("line", line);
    } else {
      output.text(line_text(line, output.terminal().is_terminal) + "\n");
    }
  }
}

int end_without_reply(const Session& session, const NoReply& none) {
  if (none.why == NoReply::Why::interrupted) return kStatusInterrupted;
  return session.end(session.failure_of(none));
}

// Shows what comes until the last reply, or until no more does; nullopt: the connection has gone, and `none` says how.
std::optional<int> show_all(const Session& session, Client& client, Shown& shown, ReturnToMaster& way_back,
                            NoReply& none) {
  // The first reply is due at once; when the next thing happens nobody knows.
  std::optional<Client::Clock::time_point> deadline = Client::Clock::now() + kPatience;
  for (;;) {
    const auto reply = client.next(deadline);
    if (!reply && reply.error().why == NoReply::Why::gone) {
      none = reply.error();
      return std::nullopt;
    }
    if (!reply) return end_without_reply(session, reply.error());
    if (!reply->error.empty()) return session.end(ending_of(*reply));
    way_back.is_back();
    show(session, reply->parameters, shown);
    if (!session.output().takes_more()) return kStatusFailed;
    if (!reply->continues) return kStatusDone;
    deadline.reset();
  }
}

int ask_and_show(Session& session) {
  const auto parameters = parameters_of(session.arguments(), session.wanted().folder);
  if (!parameters) return session.bad_usage(parameters.error());
  ReturnToMaster way_back(session, {});
  Shown shown;
  for (;;) {
    const auto client = session.ask_for_more(*parameters);
    if (!client) return client.error();
    NoReply none;
    if (const auto status = show_all(session, **client, shown, way_back, none)) return *status;
    if (!session.arguments().has("follow")) return end_without_reply(session, none);
    if (way_back.lost(none)) session.output().notice(kAwayEvent, kAwayText);
    if (const auto back = way_back.come_back(); !back) return end_without_reply(session, back.error());
    shown.came_back();
  }
}

}  // namespace

int run_Events(Session& session) { return ask_and_show(session); }
int run_Logs(Session& session) { return ask_and_show(session); }

}  // namespace liveswap::ctl
