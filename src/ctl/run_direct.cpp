// The commands whose one reply says what was done.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "ctl/call_parameters.hpp"
#include "ctl/reply_fields.hpp"
#include "ctl/return_to_master.hpp"
#include "ctl/run.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;

// `say` makes a sentence of the reply and of what was asked for; `changed` is whether anything was done.
template <class Say, class Changed>
int do_and_say(Session& session, Say say, Changed changed) {
  auto parameters = parameters_of(session.arguments(), session.wanted().folder);
  if (!parameters) return session.bad_usage(parameters.error());
  const Json asked = *parameters;
  const auto reply = session.ask(session.method(), std::move(*parameters));
  if (!reply) return reply.error();
  if (session.output().json()) {
    return session.end(
        Ending{.result = changed(*reply) ? "done" : "unchanged", .app = text_in(asked, "app")});
  }
  session.output().text(say(asked, *reply) + "\n");
  return kStatusDone;
}

bool flag_changed(const Json& reply) { return flag_in(reply, "changed"); }

// A master that does not say has no such listener in mind.
bool is_closed(const Json& reply) { return reply.contains("open") && !flag_in(reply, "open"); }

}  // namespace

int run_Pause(Session& session) {
  return do_and_say(
      session,
      [](const Json& asked, const Json& reply) {
        const std::string_view what = flag_changed(reply) ? " is paused: " : " was paused already: ";
        return fmt::format("{}{}{}", text_in(asked, "listener"), what,
                           is_closed(reply) ? "once it is bound again, new clients wait" : "new clients wait");
      },
      flag_changed);
}

int run_Resume(Session& session) {
  return do_and_say(
      session,
      [](const Json& asked, const Json& reply) {
        const std::string_view open_again =
            is_closed(reply) ? " is not paused any more, and closed until its app is started" : " is open again";
        return fmt::format("{}{}", text_in(asked, "listener"),
                           flag_changed(reply) ? open_again : " was not paused");
      },
      flag_changed);
}

namespace {

// The same process goes on as the other binary, and is a new master then.
int wait_for_next(Session& session, const std::string& before) {
  const auto until = Client::Clock::now() + kAwayMost;
  ReturnToMaster back(session, until);
  (void)back.lost({});
  while (Client::Clock::now() < until) {
    if (const auto returned = back.come_back(); !returned) return session.end(session.failure_of(returned.error()));
    const auto reply = (*session.client())->ask(fmt::format("{}.Status", wire::control::kInterface), Json::object(),
                                                kPatience);
    if (!reply || !reply->error.empty()) continue;
    const Json& master = object_in(reply->parameters, "master");
    if (text_in(master, "since") == before) continue;
    if (session.output().json()) return session.end(Ending{.result = "done"});
    session.output().text(fmt::format("the master goes on as liveswap {}, PID {}\n",
                                      text_in(reply->parameters, "version"), number_in(master, "pid").value_or(0)));
    return kStatusDone;
  }
  return session.end(Failure{kStatusFailed, core::Result::failed, core::Reason::reexec_failed,
                             "it runs on as it was; its log says why"});
}

}  // namespace

int run_Reexec(Session& session) {
  auto parameters = parameters_of(session.arguments(), session.wanted().folder);
  if (!parameters) return session.bad_usage(parameters.error());
  const auto reply = session.ask(session.method(), std::move(*parameters));
  if (!reply) return reply.error();
  return wait_for_next(session, text_in(*reply, "since"));
}

int run_Signal(Session& session) {
  return do_and_say(
      session,
      [](const Json& asked, const Json& reply) {
        const auto sent = number_in(reply, "sent").value_or(0);
        return fmt::format("sent {} to {} worker{}", text_in(asked, "signal"), sent, sent == 1 ? "" : "s");
      },
      [](const Json& reply) { return number_in(reply, "sent").value_or(0) > 0; });
}

int run_Message(Session& session) {
  return do_and_say(
      session,
      [](const Json&, const Json& reply) {
        const auto workers = number_in(reply, "workers").value_or(0);
        return fmt::format("told {} of {} worker{}", number_in(reply, "reached").value_or(0), workers,
                           workers == 1 ? "" : "s");
      },
      [](const Json&) { return true; });
}

}  // namespace liveswap::ctl
