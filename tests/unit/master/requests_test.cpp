#include "master/requests.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "master/requests_state.hpp"

using namespace liveswap;
using namespace std::chrono_literals;
using master::Requests;

namespace {

master::Told told_of(std::uint64_t app) {
  master::Told told;
  told.note.app = core::AppId{app};
  return told;
}

core::Time at(core::Duration since) { return core::Time{since}; }

const master::Ticket kTicket{1000, "0123456789abcdef"};

// The requests of the next master, by way of bytes.
void hand_over(const Requests& from, Requests& to, core::Time now) {
  core::ArchiveWriter writer;
  writer(from.save());
  core::ArchiveReader reader(writer.bytes(), core::kArchiveVersion);
  master::RequestsState state;
  reader(state);
  REQUIRE_FALSE(reader.failed());
  REQUIRE(reader.at_end());
  to.restore(std::move(state), now);
}

core::RequestId open_with_ticket(Requests& requests, core::Time now) {
  const core::RequestId request = requests.open(core::AppId{1}, {});
  requests.tickets().add(kTicket, {"Upgrade", 7}, {{.request = request, .app = core::AppId{1}}}, now);
  return request;
}

// What a client hears who attaches now.
std::vector<std::string> heard_by_ticket(Requests& requests) {
  std::vector<std::string> heard;
  const auto id = requests.tickets().attach(
      kTicket, {.answered =
                    [&heard](const core::Outcome& outcome, std::size_t) {
                      heard.push_back(std::string(core::name_of(outcome.result)) + " " +
                                      std::string(core::name_of(outcome.reason)) + " " + outcome.text);
                    },
                .noted = {}});
  requests.tickets().detach(id, core::Time{});
  return heard;
}

}  // namespace

TEST_CASE("a request hears the notes of its app until it is answered, once") {
  Requests requests;
  std::vector<std::string> heard;
  const auto listen = [&](const char* who) {
    return master::RequestHandlers{
        [&heard, who](const core::Outcome&) { heard.push_back(std::string(who) + " answered"); },
        [&heard, who](const master::Told&) { heard.push_back(std::string(who) + " noted"); }};
  };
  const core::RequestId one = requests.open(core::AppId{1}, listen("one"));
  const core::RequestId all = requests.open(core::AppId{}, listen("all"));
  CHECK(one != all);
  requests.tell(told_of(1));
  requests.tell(told_of(2));
  requests.answer(one, {}, {});
  requests.answer(one, {}, {});
  requests.tell(told_of(1));
  CHECK(heard == std::vector<std::string>{"one noted", "all noted", "all noted", "one answered", "all noted"});
}

TEST_CASE("a handler may close its own request while it is told") {
  Requests requests;
  core::RequestId id{};
  int noted = 0;
  id = requests.open(core::AppId{1}, {{}, [&](const master::Told&) {
                                       ++noted;
                                       requests.close(id);
                                     }});
  requests.tell(told_of(1));
  requests.tell(told_of(1));
  CHECK(noted == 1);
  CHECK_FALSE(requests.close(id));
}

TEST_CASE("what a request upgrades to is taken once, or forgotten when it is answered") {
  Requests requests;
  const core::RequestId one = requests.open(core::AppId{1}, {});
  const core::RequestId two = requests.open(core::AppId{1}, {});
  requests.set_upgrade(one, {.app = {.name = "web"}, .remark = "", .overrides = {.label = "1.5"}});
  requests.set_upgrade(two, {.app = {.name = "web"}, .remark = "", .overrides = {}});
  CHECK_FALSE(requests.take_upgrade(std::nullopt));
  CHECK_FALSE(requests.take_upgrade(core::RequestId{9}));
  requests.close(one);  // the client has gone; the core has not heard of it yet
  CHECK(requests.take_upgrade(one)->overrides.label == "1.5");
  CHECK_FALSE(requests.take_upgrade(one));
  requests.answer(two, {}, {});
  CHECK_FALSE(requests.take_upgrade(two));
}

TEST_CASE("an answer to a ticket is kept, and the next master gives it") {
  Requests first;
  const core::RequestId request = open_with_ticket(first, at(0s));
  const core::Outcome outcome{.result = core::Result::rolled_back, .reason = core::Reason::aborted, .text = "by hand"};
  first.answer(request, outcome, at(1s));
  CHECK(heard_by_ticket(first) == std::vector<std::string>{"rolled_back aborted by hand"});
  Requests second;
  hand_over(first, second, at(1h));
  CHECK(second.tickets().find(kTicket)->call == master::TicketCall{"Upgrade", 7});
  CHECK(heard_by_ticket(second) == std::vector<std::string>{"rolled_back aborted by hand"});
  CHECK(second.next_deadline() == core::kNever);
  // The time that it is remembered begins with this master: whoever was waiting for it could not come before.
  second.tickets().add({1000, "another"}, {"Wait", 0}, {{.request = core::RequestId{9}, .app = {}}}, at(1h + 599s));
  CHECK(second.tickets().find(kTicket));
}

TEST_CASE("the next master goes on to wait for the answer, and counts its requests on") {
  Requests first;
  const core::RequestId request = open_with_ticket(first, at(0s));
  const master::ReleaseOverrides overrides{.target = "/srv/b", .label = "1.5"};
  first.set_upgrade(request, {.app = {.name = "web"}, .remark = "r", .overrides = overrides});
  const auto lost = first.tickets().attach(kTicket, {});
  Requests second;
  hand_over(first, second, at(100s));
  first.tickets().detach(lost, at(100s));
  CHECK(second.open(core::AppId{1}, {}) == core::RequestId{request.value + 1});
  const auto upgrade = second.take_upgrade(request);
  REQUIRE(upgrade);
  CHECK(upgrade->app.name == "web");
  CHECK(upgrade->overrides.target == "/srv/b");
  CHECK(upgrade->overrides.label == "1.5");
  CHECK(second.next_deadline() == at(110s));
  std::vector<core::Result> heard;
  const auto id = second.tickets().attach(
      kTicket, {.answered = [&](const core::Outcome& outcome, std::size_t) { heard.push_back(outcome.result); }});
  CHECK(second.next_deadline() == core::kNever);
  second.answer(request, {.result = core::Result::done}, at(120s));
  second.answer(request, {.result = core::Result::done}, at(120s));
  CHECK(heard == std::vector{core::Result::done});
  second.tickets().detach(id, at(121s));
}

TEST_CASE("a wait whose client does not come back is given up, and that is its answer") {
  Requests requests;
  core::Snapshot apps;
  apps.apps.push_back({.app = core::AppId{1}, .name = "web"});
  apps.apps.back().workers_ready = 3;
  const core::RequestId request = open_with_ticket(requests, at(0s));
  requests.set_upgrade(request, {.app = {.name = "web"}, .remark = "", .overrides = {}});
  requests.tickets().detach(requests.tickets().attach(kTicket, {}), at(5s));
  CHECK(requests.next_deadline() == at(15s));
  CHECK(requests.give_up_left(apps, at(14s)).empty());
  CHECK(requests.give_up_left(apps, at(15s)) == std::vector{request});
  CHECK(requests.give_up_left(apps, at(16s)).empty());
  CHECK(requests.take_upgrade(request));  // what was asked for is done
  CHECK(heard_by_ticket(requests) == std::vector<std::string>{"timed_out client_away "});
  CHECK_FALSE(requests.close(request));
}

TEST_CASE("who has asked the master before without a ticket has gone for good") {
  Requests first;
  const core::RequestId plain = first.open(core::AppId{1}, {});
  open_with_ticket(first, at(0s));
  Requests second;
  hand_over(first, second, at(100s));
  Requests third;  // which comes before the second has got to it
  hand_over(second, third, at(101s));
  CHECK(third.next_deadline() <= at(101s));
  CHECK(third.give_up_left({}, at(101s)) == std::vector{plain});
  CHECK(third.next_deadline() == at(111s));
}
