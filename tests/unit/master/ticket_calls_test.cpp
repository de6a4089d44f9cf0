// Calls with a ticket against a master that only remembers: said once, heard of as often as somebody comes back.
#include "commands_bench.hpp"

namespace liveswap::master {
namespace {

using namespace test;

constexpr const char* kTicket = R"({"app": "web", "ticket": "0123456789abcdef"})";
constexpr const char* kAttach = R"({"ticket": "0123456789abcdef"})";

TEST_CASE("a call with a ticket outlives its connection, and is found again by it") {
  Bench bench;
  auto pending = bench.call("Upgrade", kTicket, true);
  CHECK(bench.only_event<core::UpgradeAsked>().request == core::RequestId{1});
  CHECK(bench.replies.all.empty());
  pending.reset();
  CHECK(bench.master.closed.empty());
  pending = bench.call("Attach", kAttach, true);
  REQUIRE(pending);
  bench.master.tell(told("web: upgrade to r3"));
  bench.master.answer(core::RequestId{1}, {.result = core::Result::done, .app = core::AppId{1}});
  REQUIRE(bench.replies.all.size() == 3);
  CHECK(bench.replies.all[0].continues);
  CHECK(bench.replies.all[0].parameters == Json::object());
  CHECK(bench.replies.all[1].parameters["event"]["message"] == "web: upgrade to r3");
  CHECK_FALSE(bench.replies.all[2].continues);
  CHECK(bench.replies.all[2].parameters["outcome"]["result"] == "done");
  CHECK(bench.master.posted.size() == 1);
}

TEST_CASE("a call that was answered before somebody heard of it is answered again, and not done again") {
  Bench bench;
  bench.call("Upgrade", kTicket).reset();
  bench.master.answer(core::RequestId{1}, {.result = core::Result::rolled_back, .app = core::AppId{1}});
  CHECK(bench.replies.all.empty());
  bench.master.upgrade_refusal = Refusal{core::Reason::bad_file, "not asked any more"};
  const char* hurried = R"({"app": "web", "timeout_ms": 1, "ticket": "0123456789abcdef"})";
  for (const auto& [method, parameters] :
       {std::pair("Attach", kAttach), std::pair("Upgrade", kTicket), std::pair("Upgrade", hurried)}) {
    const auto pending = bench.call(method, parameters);
    REQUIRE(bench.replies.all.size() == 1);
    CHECK_FALSE(bench.replies.all[0].continues);
    CHECK(bench.replies.all[0].parameters["outcome"]["result"] == "rolled_back");
    bench.replies.all.clear();
  }
  CHECK(bench.master.posted.size() == 1);
}

TEST_CASE("a ticket that is not known says so; what was refused has none") {
  Bench bench;
  const std::string unknown = "TicketUnknown ticket_unknown: the master knows no call with this ticket";
  CHECK(bench.refusal_of("Attach", kAttach) == unknown);
  bench.master.upgrade_refusal = Refusal{core::Reason::bad_file, "bad"};
  CHECK(bench.refusal_of("Upgrade", kTicket) == "BadUsage bad_file: bad");
  CHECK(bench.refusal_of("Attach", kAttach) == unknown);
  bench.master.upgrade_refusal.reset();
  bench.call("Upgrade", kTicket);
  const wire::varlink::Call call{.method = "org.liveswap.Control.Attach", .parameters = Json::parse(kAttach)};
  CHECK_FALSE(answer_call({bench.master, call, Level::admins, 1001, bench.replies}));  // another user's
  REQUIRE(bench.replies.all.size() == 1);
  CHECK(bench.replies.all[0].error == "org.liveswap.Control.TicketUnknown");
}

TEST_CASE("a ticket is one call's, and a text that no other call can have by chance") {
  Bench bench;
  const std::string refused = R"(org.varlink.service.InvalidParameter {"parameter":"ticket"})";
  bench.call("Upgrade", kTicket);
  CHECK(bench.reply_to("Restart", kTicket) == refused);
  CHECK(bench.reply_to("Upgrade", R"({"app": "web", "label": "b", "ticket": "0123456789abcdef"})") == refused);
  for (const char* ticket : {R"("")", R"("0123456789abcde")", R"("0123456789abcde/")", R"("0123456789abcde\u00e4")",
                             R"(["0123456789abcdef"])", "7",
                             R"("01234567890123456789012345678901234567890123456789012345678901234")"}) {
    CAPTURE(ticket);
    for (const char* method : {"Upgrade", "Wait", "Shutdown", "Attach"}) {
      CHECK(bench.reply_to(method, (std::string(R"({"ticket": )") + ticket + "}").c_str()) == refused);
    }
  }
  CHECK(bench.reply_to("Attach") == refused);
  CHECK(bench.reply_to("Attach", R"({"ticket": "0123456789abcdef", "sudo": true})") ==
        R"(org.varlink.service.InvalidParameter {"parameter":"sudo"})");
  CHECK(bench.reply_to("Status", R"({"ticket": "0123456789abcdef"})") == refused);  // it does not wait
  CHECK(bench.master.posted.size() == 1);
  const auto pending = bench.call("Upgrade", R"({"ticket": null})");
  CHECK(bench.master.posted.size() == 2);
}

TEST_CASE("all apps with one ticket: who comes back hears of each, and then of the worst") {
  Bench bench;
  bench.master.state.apps.push_back(app_called("api", 2));
  const char* all = R"({"all": true, "ticket": "0123456789abcdef"})";
  bench.call("Upgrade", all, true).reset();
  bench.master.answer(core::RequestId{2}, {.result = core::Result::rolled_back, .app = core::AppId{2}});
  auto pending = bench.call("Upgrade", all, true);
  bench.master.answer(core::RequestId{1}, {.result = core::Result::done, .app = core::AppId{1}});
  REQUIRE(bench.replies.all.size() == 4);
  CHECK(bench.replies.all[0].parameters == Json::object());
  CHECK(bench.replies.all[1].parameters["outcome"]["app"] == "api");
  CHECK(bench.replies.all[2].parameters["outcome"]["app"] == "web");
  CHECK(bench.replies.all[3].error == "org.liveswap.Control.Failed");
  CHECK_FALSE(bench.replies.all[3].continues);
  CHECK(bench.master.posted.size() == 2);
}

}  // namespace
}  // namespace liveswap::master
