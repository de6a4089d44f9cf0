// The commands that look.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "ctl/call_parameters.hpp"
#include "ctl/connections_text.hpp"
#include "ctl/reply_fields.hpp"
#include "ctl/return_to_master.hpp"
#include "ctl/run.hpp"
#include "ctl/status_text.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;

Page page_of(const Session& session) {
  const Terminal& terminal = session.output().terminal();
  // A pipe has no width: whoever reads it gets whole lines.
  return {.now = std::chrono::system_clock::now(),
          .columns = terminal.is_terminal ? terminal.columns : SIZE_MAX,
          .style = terminal.out,
          .place = session.place()};
}

// The reply to the command's own method; the exit status where there is none.
std::expected<Json, int> ask_as_given(Session& session) {
  auto parameters = parameters_of(session.arguments(), session.wanted().folder);
  if (!parameters) return std::unexpected(session.bad_usage(parameters.error()));
  return session.ask(session.method(), std::move(*parameters));
}

// As JSON, or else as text made of the reply.
template <class MakeText>
int show(Session& session, MakeText make_text) {
  const auto reply = ask_as_given(session);
  if (!reply) return reply.error();
  if (session.output().json()) {
    session.output().object(*reply);
  } else {
    session.output().text(make_text(*reply));
  }
  return kStatusDone;
}

std::string status_page(const Session& session, const Json& reply) {
  return status_text(reply, !session.arguments().words.empty(), page_of(session));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

void draw_status(const Session& session, Screen& screen, const Json& reply) {
  const Output& output = session.output();
  if (output.json()) return output.object(reply);
  if (!output.terminal().is_terminal) return output.text(status_page(session, reply));
  auto lines = lines_of(status_page(session, reply));
  const std::size_t rows = output.terminal().rows;
  if (lines.size() >= rows) lines.resize(rows - 1);
  screen.draw(lines);
}

// Shows the status every second until it cannot be had any more, or somebody interrupts it.
int watch_status(Session& session, const Json& parameters) {
  const auto master = session.client();
  if (!master) return session.end(master.error());
  Screen screen(session.output().out());
  ReturnToMaster way_back(session, {});
  for (;;) {
    const auto reply = (*master)->ask("Status", parameters, kPatience);
    std::expected<void, NoReply> waited = reply ? std::expected<void, NoReply>{} : std::unexpected(reply.error());
    if (reply) {
      if (!reply->error.empty()) return session.end(ending_of(*reply));
      way_back.is_back();
      draw_status(session, screen, reply->parameters);
      if (!session.output().takes_more()) return kStatusFailed;
      waited = (*master)->pause(std::chrono::seconds(1));
    }
    if (!waited && waited.error().why == NoReply::Why::gone) {
      screen.keep();
      if (way_back.lost(waited.error())) session.output().notice(kAwayEvent, kAwayText);
      waited = way_back.come_back();
    }
    if (!waited && waited.error().why == NoReply::Why::interrupted) return kStatusInterrupted;
    if (!waited) return session.end(session.failure_of(waited.error()));
  }
}

// One line of `ls`: what the master says, or why it says nothing.
std::expected<Json, Ending> ask_list(const Session& session, Attempt& attempt) {
  if (!attempt.client) return std::unexpected(ending_of(failure_of(attempt)));
  auto reply = attempt.client->ask("List", Json::object(), kPatience);
  if (!reply) return std::unexpected(ending_of(session.failure_of(reply.error(), attempt.path)));
  if (!reply->error.empty()) return std::unexpected(ending_of(*reply));
  return std::move(reply->parameters);
}

}  // namespace

int run_Status(Session& session) {
  if (session.arguments().has("watch")) {
    const auto parameters = parameters_of(session.arguments(), session.wanted().folder);
    return parameters ? watch_status(session, *parameters) : session.bad_usage(parameters.error());
  }
  return show(session, [&](const Json& reply) { return status_page(session, reply); });
}

int run_Connections(Session& session) {
  return show(session, [&](const Json& reply) { return connections_text(reply, page_of(session)); });
}

int run_Listeners(Session& session) { return show(session, listeners_text); }

int run_History(Session& session) {
  return show(session, [&](const Json& reply) { return history_text(reply, page_of(session)); });
}

int run_Ping(Session& session) {
  return show(session, [](const Json& reply) {
    return fmt::format("{} answers (PID {})\n", text_in(reply, "name"), number_in(reply, "pid").value_or(0));
  });
}

int run_Version(Session& session) {
  auto reply = ask_as_given(session);
  if (!reply) return reply.error();
  if (session.output().json()) {
    Json both{{"client", kVersion}};
    both.update(*reply);
    session.output().object(both);
  } else {
    session.output().text(fmt::format("liveswapctl {}\nliveswap {} ({})\n", kVersion,
                                      text_in(*reply, "version"), text_in(*reply, "name")));
  }
  return kStatusDone;
}

int run_IsReady(Session& session) {
  const bool quiet = session.arguments().has("quiet");
  const auto reply = ask_as_given(session);
  if (!reply) return reply.error();
  const bool ready = flag_in(*reply, "ready");
  if (quiet) return ready ? kStatusDone : kStatusFailed;
  std::string waiting;
  const Json& apps = list_in(*reply, "apps");
  for (const Json& app : apps) {
    if (flag_in(app, "ready")) continue;
    const std::string what = text_in(app, "waiting_for");
    waiting += fmt::format("{}{}{}{}", waiting.empty() ? "" : "; ", text_in(app, "name"),
                           what.empty() ? " is not ready" : " waits for ", what);
  }
  if (ready) {
    if (session.output().json()) return session.end(Ending{.result = "done"});
    session.output().text("ready\n");
    return kStatusDone;
  }
  return session.end(Failure{kStatusFailed, core::Result::failed, core::Reason::not_ready, waiting});
}

int run_List(Session& session) {
  if (!session.arguments().words.empty()) {
    return session.bad_usage("unexpected argument \"" + session.arguments().words.front() + "\"");
  }
  auto attempts = find_all(session.wanted(), session.surroundings());
  if (!attempts) return session.end(attempts.error());
  std::vector<Json> masters;
  std::optional<Ending> first_failure;
  bool any = false;
  for (Attempt& attempt : *attempts) {
    auto asked = ask_list(session, attempt);
    if (asked) {
      any = true;
      masters.push_back(std::move(*asked));
      continue;
    }
    masters.push_back({{"name", name_by_path(attempt.path)},
                       {"control", attempt.path},
                       {"reason", asked.error().reason},
                       {"error", asked.error().text}});
    if (!first_failure) first_failure = std::move(asked.error());
  }
  // Where the failure names the only one, it says all.
  const bool said_by_failure = !any && masters.size() == 1;
  if (!session.output().json() && !said_by_failure) {
    session.output().text(masters_text(masters, page_of(session)));
  }
  for (const Json& master : masters) {
    if (session.output().json()) session.output().object(master);
  }
  if (any || !first_failure) return kStatusDone;
  if (!said_by_failure) first_failure->text = "none of these masters can be asked";
  return session.end(*first_failure);
}

}  // namespace liveswap::ctl
