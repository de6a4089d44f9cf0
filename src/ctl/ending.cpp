#include "ctl/ending.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ctl/reply_fields.hpp"
#include "wire/control.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;
namespace control = wire::control;

constexpr std::string_view kService = "org.varlink.service.";

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

int status_of_result(const Ending& ending) {
  if (ending.result == "done" || ending.result == "unchanged") return kStatusDone;
  if (ending.result == "bad_usage") return control::status_of(control::Error::BadUsage);
  if (ending.result == "denied") return control::status_of(control::Error::Denied);
  if (ending.result == "timed_out") return control::status_of(control::Error::TimedOut);
  if (ending.result == "busy") return control::status_of(control::Error::Busy);
  return control::status_of(ending.serving < ending.wanted ? control::Error::Degraded
                                                           : control::Error::Failed);
}

Ending of_service_error(const wire::varlink::Reply& reply) {
  Ending ending{.status = kStatusUsage, .result = "bad_usage", .reason = "bad_argument"};
  const std::string name = reply.error.substr(kService.size());
  if (name == "InvalidParameter") {
    ending.text = fmt::format("the master does not take this: {}", text_in(reply.parameters, "parameter"));
  } else if (name == "MethodNotFound" || name == "MethodNotImplemented") {
    ending.text = fmt::format("the master does not know this command ({}); is it of another version?",
                              text_in(reply.parameters, "method"));
  } else {
    ending.text = "the master answered " + reply.error;
  }
  return ending;
}

std::string headline(const Ending& ending) {
  if (ending.result == "rolled_back") return "rolled back: ";
  if (ending.result == "failed" && ending.status != kStatusNoMaster && ending.status != kStatusInterrupted) {
    return "failed: ";
  }
  if (ending.result == "timed_out") return "timed out: ";
  if (ending.result == "busy") return "busy: ";
  if (ending.result == "denied") return "denied: ";
  return "";
}

// A text may have several lines: a bad file's errors, the places that were tried.
std::string harmless_lines(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += (at == 0 ? "" : "\n") + harmless(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string failure_text(const Ending& ending, std::string_view place, const Style& style) {
  std::string out = style.bad("liveswapctl:") + " ";
  if (!ending.app.empty()) out += harmless(ending.app) + ": ";
  const std::string text = harmless_lines(ending.text);
  const std::size_t first = std::min(text.find('\n'), text.size());
  out += headline(ending) + text.substr(0, first);
  if (!ending.reason.empty()) out += style.faint(" (" + harmless(ending.reason) + ")");
  out += text.substr(first) + "\n";
  if (!ending.last_lines.empty()) {
    out += ending.slot ? fmt::format("  the last lines of slot {}:\n", *ending.slot) : "  its last lines:\n";
    for (const std::string& line : ending.last_lines) out += "    | " + harmless(line) + "\n";
  }
  if (!ending.app.empty() && ending.result != "bad_usage") out += "  " + what_serves(ending) + "\n";
  if (!ending.next.empty()) out += "  next: " + placed(harmless(ending.next), place) + "\n";
  return out;
}

std::string success_text(const Ending& ending, std::string_view command) {
  if (command == "shutdown") return "no worker is left, and the master ends";
  if (command == "stop") return "stopped";
  if (command == "drain") return "done";
  if (command == "abort") return "rolled back; " + what_serves(ending);
  return what_serves(ending);
}

}  // namespace

Ending ending_of_outcome(const Json& outcome) {
  Ending ending;
  ending.result = text_in(outcome, "result");
  ending.reason = text_in(outcome, "reason");
  ending.text = text_in(outcome, "text");
  ending.next = text_in(outcome, "next");
  ending.app = text_in(outcome, "app");
  ending.release = number_in(outcome, "release");
  ending.generation = number_in(outcome, "generation");
  ending.slot = number_in(outcome, "slot");
  ending.serving = number_in(outcome, "serving").value_or(0);
  ending.wanted = number_in(outcome, "wanted").value_or(0);
  for (const Json& line : list_in(outcome, "last_lines")) {
    if (line.is_string()) ending.last_lines.push_back(line.get<std::string>());
  }
  if (ending.result.empty()) ending.result = "failed";
  ending.status = status_of_result(ending);
  return ending;
}

Ending ending_of(const wire::varlink::Reply& reply) {
  if (reply.error.starts_with(kService)) return of_service_error(reply);
  Ending ending = ending_of_outcome(object_in(reply.parameters, "outcome"));
  if (reply.error.empty()) return ending;
  const auto error = control::find_error(reply.error);
  ending.status = error ? control::status_of(*error) : kStatusFailed;
  if (ending.text.empty()) ending.text = "the master answered " + reply.error;
  return ending;
}

Ending ending_of(const Failure& failure) {
  const bool has_reason = failure.reason != core::Reason::none;
  return {.status = failure.status,
          .result = std::string(core::name_of(failure.result)),
          .reason = has_reason ? std::string(core::name_of(failure.reason)) : "",
          .text = failure.text.empty() ? std::string(core::meaning_of(failure.reason)) : failure.text,
          .next = std::string(core::next_step_of(failure.reason))};
}

Json result_json(const Ending& ending) {
  return {{"type", "result"},
          {"result", ending.result},
          {"app", or_null(ending.app)},
          {"release", or_null(ending.release)},
          {"generation", or_null(ending.generation)},
          {"reason", or_null(ending.reason)},
          {"serving", ending.serving}};
}

std::optional<Json> failure_json(const Ending& ending) {
  if (ending.status == kStatusDone) return std::nullopt;
  return Json{{"type", "failure"},
              {"text", or_null(ending.text)},
              {"next", or_null(ending.next)},
              {"slot", or_null(ending.slot)},
              {"wanted", ending.wanted},
              {"last_lines", ending.last_lines}};
}

std::string what_serves(const Ending& ending) {
  if (!ending.generation) return "nothing serves";
  return fmt::format("r{} (g{}) serves: {} of {} workers ready", ending.release.value_or(0),
                     *ending.generation, ending.serving, ending.wanted);
}

std::string placed(std::string text, std::string_view place) {
  constexpr std::string_view kProgram = "liveswapctl ";
  if (place.empty()) return text;
  for (std::size_t at = text.find(kProgram); at != std::string::npos; at = text.find(kProgram, at)) {
    at += kProgram.size();
    text.insert(at, std::string(place) + " ");
  }
  return text;
}

std::string ending_text(const Ending& ending, std::string_view command, std::string_view place,
                        const Style& style) {
  if (ending.status != kStatusDone) return failure_text(ending, place, style);
  std::string out = ending.app.empty() ? "" : harmless(ending.app) + ": ";
  if (ending.result == "unchanged") {
    out += "nothing to do";
    if (!ending.text.empty()) out += ": " + harmless(ending.text);
  } else {
    out += success_text(ending, command);
  }
  return out + "\n";
}

}  // namespace liveswap::ctl
