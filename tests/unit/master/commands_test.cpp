// The methods of the control interface against a master that only remembers: what each one posts, and
// replies.
#include "master/commands.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "commands_bench.hpp"

namespace liveswap::master {
namespace {

using namespace test;
using namespace std::chrono_literals;

TEST_CASE("the service says who it is, and describes its interfaces") {
  Bench bench;
  CHECK(bench.reply_to("org.varlink.service.GetInfo") ==
        R"({"vendor":"liveswap","product":"liveswap","version":"0.1.0","url":"",)"
        R"("interfaces":["org.varlink.service","org.liveswap.Control"]})");
  bench.call("org.varlink.service.GetInterfaceDescription", R"({"interface": "org.liveswap.Control"})");
  CHECK(bench.replies.all[0].parameters["description"] == wire::control::interface_description());
  bench.call("org.varlink.service.GetInterfaceDescription", R"({"interface": "org.varlink.service"})");
  CHECK(bench.replies.all[1].parameters["description"] == wire::control::service_interface_description());
}

TEST_CASE("what is not there is refused as Varlink has it") {
  Bench bench;
  CHECK(bench.reply_to("org.varlink.service.GetInterfaceDescription", R"({"interface": "a.b"})") ==
        R"(org.varlink.service.InterfaceNotFound {"interface":"a.b"})");
  CHECK(bench.reply_to("org.varlink.service.GetInterfaceDescription") ==
        R"(org.varlink.service.InvalidParameter {"parameter":"interface"})");
  CHECK(bench.reply_to("org.varlink.service.GetInfo", R"({"x": 1})") ==
        R"(org.varlink.service.InvalidParameter {"parameter":"x"})");
  CHECK(bench.reply_to("org.varlink.service.Nothing") ==
        R"(org.varlink.service.MethodNotFound {"method":"org.varlink.service.Nothing"})");
  CHECK(bench.reply_to("org.liveswap.Control.Reload") ==
        R"(org.varlink.service.MethodNotFound {"method":"org.liveswap.Control.Reload"})");
  CHECK(bench.reply_to("org.example.Control.Ping") ==
        R"(org.varlink.service.InterfaceNotFound {"interface":"org.example.Control"})");
  Recorded replies;
  const wire::varlink::Call nameless{.method = "Ping"};
  CHECK_FALSE(answer_call({bench.master, nameless, Level::admins, 0, replies}));
  CHECK(replies.all[0].error == "org.varlink.service.InvalidParameter");
}

TEST_CASE("every method refuses a parameter that it does not know, before it does anything") {
  Bench bench;
  for (const auto& command : wire::control::commands()) {
    if (command.method.empty()) continue;
    CAPTURE(command.method);
    CHECK(bench.reply_to(std::string(command.method), R"({"sudo": true})") ==
          R"(org.varlink.service.InvalidParameter {"parameter":"sudo"})");
  }
  CHECK(bench.master.posted.empty());
}

TEST_CASE("every method is refused to a peer of the level below, and names the one that is lacking") {
  Bench bench;
  for (const auto& command : wire::control::commands()) {
    if (command.method.empty()) continue;
    bench.level = static_cast<Level>(static_cast<int>(command.level) - 1);
    CAPTURE(command.method);
    bench.call(std::string(command.method));
    REQUIRE(bench.replies.all.size() == 1);
    CHECK(bench.replies.all[0].error == "org.liveswap.Control.Denied");
    CHECK(bench.replies.all[0].parameters["level"] == name_of(command.level));
    bench.replies.all.clear();
  }
  CHECK(bench.master.posted.empty());
  bench.level = Level::observers;
  CHECK(bench.refusal_of("Upgrade") ==
        "Denied denied: upgrade needs the level operators, and uid 1000 has observers "
        "(control: in the configuration)");
}

TEST_CASE("an operator may upgrade from the file, and only an admin to something else") {
  Bench bench;
  bench.level = Level::operators;
  for (const char* parameters :
       {R"({"target": "/srv/b"})", R"({"command": ["./b"]})", R"({"environment": {"A": "1"}})"}) {
    CAPTURE(parameters);
    CHECK(bench.refusal_of("Upgrade", parameters) ==
          "Denied denied: upgrade with a target, command or environment of its own needs the level admins, "
          "and uid 1000 "
          "has operators (control: in the configuration)");
  }
  CHECK(bench.master.posted.empty());
  const auto pending = bench.call("Upgrade", R"({"label": "1.5"})");
  CHECK(pending);
  CHECK(bench.master.upgrades.at(core::RequestId{1}).overrides.label == "1.5");
}

TEST_CASE("upgrade asks the core, with everything that was given") {
  Bench bench;
  const auto pending = bench.call("Upgrade", R"({"app": "web", "target": "/srv/b", "command": ["./b", ""],
    "environment": {"A": "1"}, "label": "1.5", "if_changed": true, "wait": "drained", "timeout_ms": 1500})");
  CHECK(pending);
  const auto event = bench.only_event<core::UpgradeAsked>();
  CHECK(event.app == core::AppId{1});
  CHECK(event.request == core::RequestId{1});
  CHECK(event.wait == core::WaitLevel::drained);
  CHECK(event.timeout == 1500ms);
  CHECK(event.if_changed);
  CHECK(bench.master.upgrades.at(event.request).app.name == "app 1");  // what was read when it was checked
  const ReleaseOverrides& overrides = bench.master.upgrades.at(event.request).overrides;
  CHECK(overrides.target == "/srv/b");
  CHECK(overrides.command == std::vector<std::string>{"./b", ""});
  CHECK(overrides.env == std::vector<std::pair<std::string, std::string>>{{"A", "1"}});
  CHECK(bench.replies.all.empty());
}

TEST_CASE("upgrade without anything waits until it is committed, however long that takes") {
  Bench bench;
  const auto pending = bench.call("Upgrade");
  const auto event = bench.only_event<core::UpgradeAsked>();
  CHECK(event.wait == core::WaitLevel::committed);
  CHECK(event.timeout == core::kForever);
  CHECK_FALSE(event.if_changed);
  CHECK(bench.master.upgrades.at(event.request).overrides.empty());
}

TEST_CASE("upgrade refuses values that cannot be meant") {
  Bench bench;
  for (const auto& [parameters, name] : std::vector<std::pair<const char*, std::string>>{
           {R"({"target": "srv/b"})", "target"},
           {R"({"command": [""]})", "command"},
           {R"({"environment": {"A=B": "1"}})", "environment"},
           {R"({"environment": {"": "1"}})", "environment"},
           {R"({"wait": "done"})", "wait"},
           {R"({"timeout_ms": -1})", "timeout_ms"},
           {R"({"timeout_ms": 9223372036854775807})", "timeout_ms"},
           {R"({"app": 1})", "app"}}) {
    CAPTURE(parameters);
    CHECK(bench.reply_to("Upgrade", parameters) ==
          "org.varlink.service.InvalidParameter {\"parameter\":\"" + name + "\"}");
  }
}

TEST_CASE("an upgrade that the master refuses beforehand is not asked for") {
  Bench bench;
  bench.master.upgrade_refusal = Refusal{core::Reason::file_differs, "listeners differ: http"};
  CHECK(bench.refusal_of("Upgrade") == "BadUsage file_differs: listeners differ: http");
  CHECK(bench.master.posted.empty());
}

TEST_CASE("events come with more, and the outcome last") {
  Bench bench;
  auto pending = bench.call("Upgrade", "{}", true);
  bench.master.tell(told("web: upgrade to r3"));
  bench.master.tell(told("api: something", 2, "api"));
  REQUIRE(bench.replies.all.size() == 1);
  CHECK(bench.replies.all[0].continues);
  CHECK(bench.replies.all[0].parameters["event"]["message"] == "web: upgrade to r3");
  bench.master.answer(core::RequestId{1},
                      {.result = core::Result::done, .app = core::AppId{1}, .serving = 4, .wanted = 4});
  REQUIRE(bench.replies.all.size() == 2);
  CHECK_FALSE(bench.replies.all[1].continues);
  CHECK(bench.replies.all[1].error == "");
  CHECK(bench.replies.all[1].parameters["outcome"]["result"] == "done");
  pending.reset();
  CHECK(bench.master.closed.empty());
}

TEST_CASE("without more only the outcome comes, and events are left out while the client does not read") {
  Bench bench;
  auto quiet = bench.call("Upgrade");
  bench.master.tell(told("web: upgrade to r3"));
  CHECK(bench.replies.all.empty());
  auto slow = bench.call("Upgrade", "{}", true);
  bench.replies.is_congested = true;
  bench.master.tell(told("web: upgrade to r3"));
  CHECK(bench.replies.all.empty());
  bench.master.answer(core::RequestId{2}, {.result = core::Result::busy, .app = core::AppId{1}});
  REQUIRE(bench.replies.all.size() == 1);
  CHECK(bench.replies.all[0].error == "org.liveswap.Control.Busy");
}

TEST_CASE("a client that goes away takes its request back") {
  Bench bench;
  auto pending = bench.call("Wait", R"({"wait": "ready"})");
  CHECK(bench.only_event<core::WaitAsked>().level == core::WaitLevel::ready);
  pending.reset();
  CHECK(bench.master.closed == std::vector{core::RequestId{1}});
}

TEST_CASE("all apps are asked at once; each outcome is told, and the worst ends the call") {
  Bench bench;
  bench.master.state.apps.push_back(app_called("api", 2));
  auto pending = bench.call("Upgrade", R"({"all": true})", true);
  CHECK(bench.master.posted.size() == 2);
  bench.master.answer(core::RequestId{2}, {.result = core::Result::rolled_back, .app = core::AppId{2}});
  bench.master.answer(core::RequestId{1}, {.result = core::Result::done, .app = core::AppId{1}});
  REQUIRE(bench.replies.all.size() == 3);
  CHECK(bench.replies.all[0].continues);
  CHECK(bench.replies.all[0].parameters["outcome"]["app"] == "api");
  CHECK(bench.replies.all[1].continues);
  CHECK(bench.replies.all[1].parameters["outcome"]["app"] == "web");
  CHECK(bench.replies.all[2].error == "org.liveswap.Control.Failed");
  CHECK(bench.replies.all[2].parameters["outcome"]["app"] == "api");
}

TEST_CASE("waiting without a name waits for all apps, changing without one is refused") {
  Bench bench;
  bench.master.state.apps.push_back(app_called("api", 2));
  auto pending = bench.call("Wait");
  CHECK(bench.master.posted.size() == 2);
  for (const char* method : {"Upgrade", "Restart", "Start", "Stop", "Abort"}) {
    CAPTURE(method);
    CHECK(bench.refusal_of(method) ==
          "BadUsage app_needed: there are several apps: name one of them, or --all: web, api");
  }
  CHECK(bench.refusal_of("Scale", R"({"by": 1})") ==
        "BadUsage app_needed: there are several apps: name one of them: web, api");
}

TEST_CASE("scale takes exactly one way to say how many") {
  Bench bench;
  CHECK(
      bench.refusal_of("Scale") ==
      "BadUsage bad_argument: give one of: a number of workers, by how many more or fewer, automatic, reset");
  CHECK(bench.refusal_of("Scale", R"({"workers": 2, "reset": true})").starts_with("BadUsage bad_argument: "));
  CHECK(bench.reply_to("Scale", R"({"workers": -1})") ==
        R"(org.varlink.service.InvalidParameter {"parameter":"workers"})");
  const auto scaled = [&](const char* parameters) {
    bench.master.posted.clear();
    const auto pending = bench.call("Scale", parameters);
    const auto event = bench.only_event<core::ScaleAsked>();
    CHECK(event.request == bench.master.last_request);
    CHECK(event.app == core::AppId{1});
    return std::pair{event.how, event.count};
  };
  using How = core::ScaleAsked::How;
  CHECK(scaled(R"({"workers": 8})") == std::pair{How::absolute, 8});
  CHECK(scaled(R"({"workers": 0})") == std::pair{How::absolute, 0});
  CHECK(scaled(R"({"by": -2})") == std::pair{How::relative, -2});
  CHECK(scaled(R"({"automatic": true})") == std::pair{How::absolute, 6});
  CHECK(scaled(R"({"reset": true})").first == How::reset);
}

TEST_CASE("restart, start, stop, abort, drain and shutdown ask the core") {
  Bench bench;
  const auto asked = [&](const char* method, const char* parameters) {
    bench.master.posted.clear();
    return bench.call(method, parameters);
  };
  auto pending = asked("Restart", R"({"slot": 2, "now": true, "timeout_ms": 10})");
  const auto restart = bench.only_event<core::RestartAsked>();
  CHECK(restart.slot == 2U);
  CHECK(restart.now);
  CHECK(restart.timeout == 10ms);
  CHECK(bench.refusal_of("Restart", R"({"all": true, "slot": 1})") ==
        "BadUsage bad_argument: a slot belongs to one app: give its name");
  pending = asked("Start", R"({"timeout_ms": 10})");
  CHECK(bench.only_event<core::StartAsked>().timeout == 10ms);
  pending = asked("Stop", R"({"now": true})");
  CHECK(bench.only_event<core::StopAsked>().now);
  pending = asked("Abort", "{}");
  CHECK(bench.only_event<core::AbortAsked>().app == core::AppId{1});
  pending = asked("Drain", R"({"generation": 3, "now": true})");
  CHECK(bench.only_event<core::DrainAsked>().generation == core::GenerationId{3});
  CHECK_FALSE(bench.only_event<core::DrainAsked>().extend);
  pending = asked("Drain", R"({"extend_ms": 5000})");
  CHECK(bench.only_event<core::DrainAsked>().extend == 5s);
  CHECK_FALSE(bench.only_event<core::DrainAsked>().generation);
  CHECK(bench.refusal_of("Drain") == "BadUsage bad_argument: give either now or by how long to extend");
  CHECK(bench.refusal_of("Drain", R"({"now": true, "extend_ms": 1})") ==
        "BadUsage bad_argument: give either now or by how long to extend");
  pending = asked("Shutdown", R"({"now": true})");
  CHECK(bench.only_event<core::ShutdownAsked>().now);
  CHECK(bench.only_event<core::ShutdownAsked>().request == bench.master.last_request);
  CHECK_FALSE(bench.master.requests.at(bench.master.last_request).first);
}

TEST_CASE("pause and resume find the listener, and say why they cannot") {
  Bench bench;
  bench.master.rows = {{.name = "http"}, {.name = "bus"}, {.name = "api", .open = false}};
  CHECK(bench.reply_to("Pause", R"({"listener": "http"})") == R"({"changed":true,"open":true})");
  CHECK(bench.reply_to("Resume", R"({"listener": "http"})") == R"({"changed":true,"open":true})");
  CHECK(bench.reply_to("Pause", R"({"listener": "api"})") == R"({"changed":true,"open":false})");
  CHECK(bench.master.paused == std::vector<std::string>{"http", "api"});
  CHECK(bench.master.resumed == std::vector<std::string>{"http"});
  CHECK(bench.refusal_of("Pause", R"({"listener": "htpp"})") ==
        "BadUsage no_such_listener: there is no listener \"htpp\" (did you mean \"http\"?)");
  CHECK(bench.reply_to("Pause") == R"(org.varlink.service.InvalidParameter {"parameter":"listener"})");
  bench.master.pause_answer = std::unexpected("bus is a Unix socket");
  CHECK(bench.refusal_of("Pause", R"({"listener": "bus"})") ==
        "Failed pause_failed: the listener could not be paused or resumed: bus is a Unix socket");
}

TEST_CASE("signal takes a name or a number") {
  Bench bench;
  CHECK(bench.reply_to("Signal", R"({"signal": "USR1"})") == R"({"sent":4})");
  CHECK(bench.reply_to("Signal", R"({"app": "web", "signal": "SIGHUP"})") == R"({"sent":4})");
  CHECK(bench.reply_to("Signal", R"({"signal": "15"})") == R"({"sent":4})");
  CHECK(bench.master.signals == std::vector<int>{10, 1, 15});
  CHECK(bench.refusal_of("Signal", R"({"signal": "NOPE"})").starts_with("BadUsage bad_argument: "));
  CHECK(bench.reply_to("Signal") == R"(org.varlink.service.InvalidParameter {"parameter":"signal"})");
  bench.master.signal_answer = std::unexpected("no worker lives");
  CHECK(bench.refusal_of("Signal", R"({"signal": "USR1"})") ==
        "Failed signal_failed: no worker could be sent the signal: no worker lives");
}

TEST_CASE("looking says what the master is, and whether it is ready") {
  Bench bench;
  CHECK(bench.reply_to("Ping") == R"({"name":"web","pid":4242})");
  CHECK(bench.reply_to("Version") == R"({"name":"web","version":"0.1.0"})");
  CHECK(bench.reply_to("List") ==
        R"({"name":"web","version":"0.1.0","master":{"pid":4242,"since":"2026-01-01T00:00:00.000Z",)"
        R"("guardian":null,"binary":"","binary_changed":false},)"
        R"("file":"/etc/web.yaml","control":"/run/liveswap/web/control.sock",)"
        R"("apps":[{"name":"web","state":"running","workers_wanted":4,"workers_ready":4}]})");
  CHECK(bench.master.reasserted == 0);
  CHECK(bench.reply_to("Listeners") == R"({"listeners":[]})");
  CHECK(bench.master.reasserted == 1);
  CHECK(bench.reply_to("IsReady") ==
        R"({"ready":true,"apps":[{"name":"web","ready":true,"waiting_for":null}]})");
  bench.master.state.apps.push_back(app_called("api", 2));
  bench.master.state.apps[1].workers_ready = 3;
  bench.master.state.apps[1].waiting_for = "slot 2 to be ready";
  CHECK(bench.reply_to("IsReady") ==
        R"({"ready":false,"apps":[{"name":"web","ready":true,"waiting_for":null},)"
        R"({"name":"api","ready":false,"waiting_for":"slot 2 to be ready"}]})");
  CHECK(bench.reply_to("IsReady", R"({"app": "web"})") ==
        R"({"ready":true,"apps":[{"name":"web","ready":true,"waiting_for":null}]})");
  CHECK(bench.refusal_of("Status", R"({"app": "ap"})") ==
        "BadUsage no_such_app: there is no app \"ap\" (did you mean \"api\"?)");
}

TEST_CASE("history shows the rollouts of an app, or those of one release") {
  Bench bench;
  auto& history = bench.master.state.apps[0].history;
  history.push_back({.kind = core::RolloutKind::start,
                     .result = core::Result::done,
                     .generation = core::GenerationId{1},
                     .release = core::ReleaseId{1},
                     .label = "1.0",
                     .begun = core::Time{0s},
                     .ended = core::Time{2s}});
  history.push_back({.kind = core::RolloutKind::upgrade,
                     .result = core::Result::rolled_back,
                     .reason = core::Reason::ready_timeout,
                     .generation = core::GenerationId{2},
                     .release = core::ReleaseId{2},
                     .text = "slot 0",
                     .begun = core::Time{3s},
                     .ended = core::Time{4s}});
  const std::string second =
      R"({"kind":"upgrade","result":"rolled_back","reason":"ready_timeout","generation":2,"release":2,"label":null,)"
      R"("text":"slot 0","begun":"2026-01-01T00:00:03.000Z","ended":"2026-01-01T00:00:04.000Z"})";
  CHECK(bench.reply_to("History", R"({"release": 2})") ==
        R"({"apps":[{"name":"web","rollouts":[)" + second + "]}]}");
  CHECK(bench.reply_to("History") ==
        R"({"apps":[{"name":"web","rollouts":[{"kind":"start","result":"done","reason":null,"generation":1,)"
        R"("release":1,"label":"1.0","text":null,"begun":"2026-01-01T00:00:00.000Z",)"
        R"("ended":"2026-01-01T00:00:02.000Z"},)" +
            second + "]}]}");
}

TEST_CASE("following needs more, and shows what was before what comes") {
  Bench bench;
  bench.master.events = {told("one"), told("two"), told("three", 2, "api")};
  CHECK(bench.reply_to("Events", R"({"follow": true})") == "org.varlink.service.ExpectedMore {}");
  auto pending = bench.call("Events", R"({"app": "web", "last": 1, "follow": true})", true);
  CHECK(pending);
  bench.master.tell(told("four"));
  bench.master.tell(told("five", 2, "api"));
  REQUIRE(bench.replies.all.size() == 2);
  CHECK(bench.replies.all[0].continues);
  CHECK(bench.replies.all[0].parameters["events"].size() == 1);
  CHECK(bench.replies.all[0].parameters["events"][0]["message"] == "two");
  CHECK(bench.replies.all[1].continues);
  CHECK(bench.replies.all[1].parameters["events"][0]["message"] == "four");
  CHECK(bench.replies.all[1].parameters["skipped"] == 0);
  pending.reset();
  CHECK(bench.master.event_followers.empty());
}

TEST_CASE("what a follower does not read in time is left out and counted") {
  Bench bench;
  auto pending = bench.call("Logs", R"({"last": 0, "follow": true})", true);
  CHECK(bench.replies.all[0].parameters.dump() == R"({"lines":[],"skipped":0})");
  bench.replies.is_congested = true;
  bench.master.write_line({.app = "web", .text = "lost"});
  bench.master.write_line({.app = "web", .text = "lost too"});
  CHECK(bench.replies.all.size() == 1);
  bench.replies.is_congested = false;
  bench.master.write_line({.number = 3,
                           .app = "web",
                           .generation = core::GenerationId{3},
                           .slot = 1,
                           .is_stderr = true,
                           .text = "seen"});
  REQUIRE(bench.replies.all.size() == 2);
  CHECK(bench.replies.all[1].parameters.dump() ==
        R"({"lines":[{"number":3,"time":"1970-01-01T00:00:00.000Z","app":"web","generation":3,"slot":1,)"
        R"("stream":"stderr","text":"seen"}],"skipped":2})");
  pending.reset();
  CHECK(bench.master.line_followers.empty());
}

TEST_CASE("a long past comes in replies of a bounded size, the oldest left out and counted") {
  Bench bench;
  const std::string text(10'000, '\x01');  // six bytes of JSON for each of its own
  for (int i = 0; i < 100; ++i) bench.master.lines.push_back({.app = "web", .text = text});
  bench.call("Logs", R"({"last": 100})", true);
  std::size_t lines = 0;
  for (const auto& reply : bench.replies.all) {
    CHECK(write_reply(reply).size() < wire::kMaxJsonBytes);
    CHECK(reply.continues == (&reply != &bench.replies.all.back()));
    lines += reply.parameters["lines"].size();
  }
  CHECK(lines > 20);
  CHECK(bench.replies.all[0].parameters["skipped"] == 100 - lines);
  bench.replies.all.clear();
  bench.call("Logs", R"({"last": 100})", false);
  REQUIRE(bench.replies.all.size() == 1);
  CHECK(write_reply(bench.replies.all[0]).size() < wire::kMaxJsonBytes);
  CHECK(bench.replies.all[0].parameters["lines"].size() +
            bench.replies.all[0].parameters["skipped"].get<std::size_t>() ==
        100);
}

}  // namespace
}  // namespace liveswap::master
