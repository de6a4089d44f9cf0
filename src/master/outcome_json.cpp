#include "master/outcome_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/tables.hpp"

namespace liveswap::master {

namespace {

using core::Result;
using wire::Json;
using wire::control::Error;

int badness(const core::Outcome& outcome) {
  switch (outcome.result) {
    case Result::failed:
    case Result::rolled_back: return outcome.serving < outcome.wanted ? 8 : 7;
    case Result::denied: return 6;
    case Result::bad_usage: return 5;
    case Result::busy: return 4;
    case Result::timed_out: return 3;
    case Result::done: return 2;
    case Result::unchanged: return 1;
  }
  return 0;
}

std::string_view name_in(const core::Snapshot& apps, core::AppId id) {
  const auto found = std::ranges::find(apps.apps, id, &core::AppSnapshot::app);
  return found == apps.apps.end() ? std::string_view{} : std::string_view(found->name);
}

template <class Id>
Json id_json(Id id) {
  return id ? Json(id.value) : Json(nullptr);
}

Json text_json(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string next_of(core::Reason reason, std::string_view app, const core::Snapshot& apps) {
  std::string next(core::next_step_of(reason));
  return apps.apps.size() > 1 && !app.empty() ? wire::control::name_app_in(std::move(next), app) : next;
}

}  // namespace

// A refusal's text is whole; a failure's says what happened, and wants what that means before it.
std::string text_of(const core::Outcome& outcome) {
  const std::string_view meaning = core::meaning_of(outcome.reason);
  if (outcome.text.empty()) return std::string(meaning);
  if (outcome.result == Result::bad_usage || outcome.result == Result::denied || meaning.empty())
    return outcome.text;
  return std::string(meaning) + ": " + outcome.text;
}

std::optional<Error> error_of(const core::Outcome& outcome) {
  switch (outcome.result) {
    case Result::done:
    case Result::unchanged: return std::nullopt;
    case Result::bad_usage: return Error::BadUsage;
    case Result::denied: return Error::Denied;
    case Result::timed_out: return Error::TimedOut;
    case Result::busy: return Error::Busy;
    default: return outcome.serving < outcome.wanted ? Error::Degraded : Error::Failed;
  }
}

Json outcome_json(const core::Outcome& outcome, const core::Snapshot& apps) {
  const std::string_view app = name_in(apps, outcome.app);
  const bool explained = outcome.reason != core::Reason::none;
  return {{"result", core::name_of(outcome.result)},
          {"reason", explained ? Json(core::name_of(outcome.reason)) : Json(nullptr)},
          {"text", text_json(text_of(outcome))},
          {"next", text_json(next_of(outcome.reason, app, apps))},
          {"app", text_json(app)},
          {"release", id_json(outcome.release)},
          {"generation", id_json(outcome.generation)},
          {"serving", outcome.serving},
          {"wanted", outcome.wanted},
          {"slot", outcome.slot ? Json(*outcome.slot) : Json(nullptr)},
          {"last_lines", outcome.last_lines.empty() ? Json(nullptr) : Json(outcome.last_lines)}};
}

wire::varlink::Reply reply_of(const core::Outcome& outcome, const core::Snapshot& apps) {
  wire::varlink::Reply reply{.parameters = {{"outcome", outcome_json(outcome, apps)}}};
  if (const auto error = error_of(outcome)) reply.error = full_name_of(*error);
  return reply;
}

core::Outcome refused(Result result, core::Reason reason, std::string text, const core::AppSnapshot* app) {
  core::Outcome outcome{.result = result, .reason = reason, .text = std::move(text)};
  if (app != nullptr) {
    outcome.app = app->app;
    outcome.release = app->release;
    outcome.generation = app->generation;
    outcome.serving = app->workers_ready;
    outcome.wanted = app->workers_wanted;
  }
  return outcome;
}

const core::Outcome& worst_of(const std::vector<core::Outcome>& outcomes) {
  return *std::ranges::max_element(outcomes, {}, badness);
}

}  // namespace liveswap::master
