// How a command ends: exit status, JSON with exactly its members, and whole texts for people.
#include "ctl/ending.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace liveswap::ctl {
namespace {

using wire::Json;
using wire::varlink::Reply;

Reply error_reply(const std::string& error, const char* outcome) {
  return {.parameters = {{"outcome", Json::parse(outcome)}}, .error = "org.liveswap.Control." + error};
}

const char* const kRolledBack = R"({"result": "rolled_back", "reason": "exited_before_ready",
  "text": "a worker ended before it was ready: exit status 3", "next": "liveswapctl logs web", "app": "web",
  "release": 7, "generation": 8, "serving": 4, "wanted": 4, "slot": 1,
  "last_lines": ["Traceback", "\u001b[2Jboom\t!"]})";

std::string text_of(const Reply& reply, std::string_view command = "upgrade", std::string_view place = "") {
  return ending_text(ending_of(reply), command, place, Style{});
}

TEST_CASE("a failed upgrade says why, what the worker said last, what serves, and what to type") {
  CHECK(text_of(error_reply("Failed", kRolledBack), "upgrade", "-n site") ==
        "liveswapctl: web: rolled back: a worker ended before it was ready: exit status 3 "
        "(exited_before_ready)\n"
        "  the last lines of slot 1:\n"
        "    | Traceback\n"
        "    | ?[2Jboom        !\n"
        "  r7 (g8) serves: 4 of 4 workers ready\n"
        "  next: liveswapctl -n site logs web\n");
}

TEST_CASE("the last line of --json has its members and no others, and the one before it says why") {
  const Ending ending = ending_of(error_reply("Failed", kRolledBack));
  CHECK(result_json(ending).dump() ==
        R"({"type":"result","result":"rolled_back","app":"web","release":7,"generation":8,)"
        R"("reason":"exited_before_ready","serving":4})");
  CHECK(
      failure_json(ending)->dump() ==
      R"({"type":"failure","text":"a worker ended before it was ready: exit status 3","next":"liveswapctl logs web",)"
      R"("slot":1,"wanted":4,"last_lines":["Traceback","\u001b[2Jboom\t!"]})");
  const Ending done = ending_of(Reply{.parameters = {{"outcome", {{"result", "done"}}}}});
  CHECK(
      result_json(done).dump() ==
      R"({"type":"result","result":"done","app":null,"release":null,"generation":null,"reason":null,"serving":0})");
  CHECK_FALSE(failure_json(done));
}

TEST_CASE("every error has its exit status") {
  const auto status = [](const std::string& error) {
    return ending_of(error_reply(error, kRolledBack)).status;
  };
  CHECK(status("Failed") == 1);
  CHECK(status("BadUsage") == 2);
  CHECK(status("Denied") == 4);
  CHECK(status("TimedOut") == 5);
  CHECK(status("Busy") == 6);
  CHECK(status("Degraded") == 7);
  CHECK(status("OfTheFuture") == 1);
}

TEST_CASE("an outcome alone has the exit status of its result") {
  const auto status = [](const char* result, int serving) {
    return ending_of_outcome({{"result", result}, {"serving", serving}, {"wanted", 4}}).status;
  };
  CHECK(status("done", 1) == 0);
  CHECK(status("unchanged", 1) == 0);
  CHECK(status("rolled_back", 4) == 1);
  CHECK(status("rolled_back", 3) == 7);
  CHECK(status("failed", 4) == 1);
  CHECK(status("failed", 0) == 7);
  CHECK(status("bad_usage", 4) == 2);
  CHECK(status("denied", 4) == 4);
  CHECK(status("timed_out", 4) == 5);
  CHECK(status("busy", 4) == 6);
}

TEST_CASE("success is one line that says what serves now") {
  const auto done = [](std::string_view command, const char* outcome) {
    return text_of(Reply{.parameters = {{"outcome", Json::parse(outcome)}}}, command);
  };
  const char* const served =
      R"({"result": "done", "app": "web", "release": 9, "generation": 10, "serving": 4, "wanted": 4})";
  CHECK(done("upgrade", served) == "web: r9 (g10) serves: 4 of 4 workers ready\n");
  CHECK(done("abort", served) == "web: rolled back; r9 (g10) serves: 4 of 4 workers ready\n");
  CHECK(done("stop", R"({"result": "done", "app": "web"})") == "web: stopped\n");
  CHECK(done("drain", served) == "web: done\n");
  CHECK(done("shutdown", R"({"result": "done"})") == "no worker is left, and the master ends\n");
  CHECK(done("upgrade", R"({"result": "unchanged", "text": "nothing has changed", "app": "web"})") ==
        "web: nothing to do: nothing has changed\n");
}

TEST_CASE("refusals are told without what serves") {
  CHECK(text_of(error_reply("BadUsage", R"({"result": "bad_usage", "reason": "app_needed",
          "text": "there are several apps: name one of them: web, api", "next": "liveswapctl status"})")) ==
        "liveswapctl: there are several apps: name one of them: web, api (app_needed)\n"
        "  next: liveswapctl status\n");
  CHECK(text_of(error_reply(
            "Busy", R"({"result": "busy", "reason": "busy", "text": "a rollout is under way", "app": "web",
          "generation": 3, "release": 2, "serving": 4, "wanted": 4, "next": "liveswapctl wait"})")) ==
        "liveswapctl: web: busy: a rollout is under way (busy)\n"
        "  r2 (g3) serves: 4 of 4 workers ready\n"
        "  next: liveswapctl wait\n");
}

TEST_CASE("a text of several lines has its code behind the first one") {
  const Failure failure{kStatusNoMaster, core::Result::failed, core::Reason::no_master,
                        "no master; tried:\n  /a\n  /b"};
  CHECK(ending_text(ending_of(failure), "status", "", Style{}) ==
        "liveswapctl: no master; tried: (no_master)\n  /a\n  /b\n  next: liveswap -s TARGET, or -c FILE, starts one\n");
}

TEST_CASE("a master of another version is told as such") {
  const auto ending = [](const char* error, Json parameters) {
    return ending_of(
        Reply{.parameters = std::move(parameters), .error = std::string("org.varlink.service.") + error});
  };
  const Ending parameter = ending("InvalidParameter", {{"parameter", "label"}});
  CHECK(parameter.status == 2);
  CHECK(parameter.text == "the master does not take this: label");
  CHECK(ending("MethodNotFound", {{"method", "org.liveswap.Control.Reload"}}).text ==
        "the master does not know this command (org.liveswap.Control.Reload); is it of another version?");
  CHECK(ending("PermissionDenied", Json::object()).text ==
        "the master answered org.varlink.service.PermissionDenied");
}

TEST_CASE("a reply that has nothing of what it should is a failure, not a crash") {
  CHECK(ending_of(Reply{}).status == 1);
  CHECK(ending_of(Reply{.parameters = {{"outcome", 7}}}).status == 1);
  CHECK(ending_of(
            Reply{.parameters = {{"outcome", {{"result", 1}, {"serving", "x"}, {"last_lines", {1, "a"}}}}}})
            .last_lines == std::vector<std::string>{"a"});
}

TEST_CASE("nothing serves where there is no generation") { CHECK(what_serves(Ending{}) == "nothing serves"); }

}  // namespace
}  // namespace liveswap::ctl
