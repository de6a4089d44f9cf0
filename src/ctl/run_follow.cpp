// The commands that show what was, and with -f what comes: events and logs.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "ctl/call_parameters.hpp"
#include "ctl/reply_fields.hpp"
#include "ctl/run.hpp"
#include "ctl/status_text.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;

void show(const Session& session, const Json& parameters) {
  const Output& output = session.output();
  const std::int64_t skipped = number_in(parameters, "skipped").value_or(0);
  if (skipped > 0 && output.json()) output.object({{"type", "skipped"}, {"count", skipped}});
  if (skipped > 0 && !output.json()) output.text(fmt::format("... {} left out\n", skipped));
  for (const Json& event : list_in(parameters, "events")) {
    if (output.json()) {
      output.object("event", event);
    } else {
      output.text(event_text(event, output.terminal().out) + "\n");
    }
  }
  for (const Json& line : list_in(parameters, "lines")) {
    if (output.json()) {
      output.object("line", line);
    } else {
      output.text(line_text(line, output.terminal().is_terminal) + "\n");
    }
  }
}

int ask_and_show(Session& session) {
  auto parameters = parameters_of(session.arguments(), session.wanted().folder);
  if (!parameters) return session.bad_usage(parameters.error());
  const auto client = session.ask_for_more(std::move(*parameters));
  if (!client) return client.error();
  // The first reply is due at once; when the next thing happens nobody knows.
  std::optional<Client::Clock::time_point> deadline = Client::Clock::now() + kPatience;
  for (;;) {
    const auto reply = (*client)->next(deadline);
    if (!reply && reply.error().why == NoReply::Why::interrupted) return kStatusInterrupted;
    if (!reply) return session.end(session.failure_of(reply.error()));
    if (!reply->error.empty()) return session.end(ending_of(*reply));
    show(session, reply->parameters);
    if (!session.output().takes_more()) return kStatusFailed;
    if (!reply->continues) return kStatusDone;
    deadline.reset();
  }
}

}  // namespace

int run_Events(Session& session) { return ask_and_show(session); }
int run_Logs(Session& session) { return ask_and_show(session); }

}  // namespace liveswap::ctl
