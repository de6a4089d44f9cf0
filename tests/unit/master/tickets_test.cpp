// Tickets by themselves: what is remembered of a call, for whom, and how long.
#include "master/tickets.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace liveswap::master {
namespace {

using namespace std::chrono_literals;
using core::AppId;
using core::RequestId;
using core::Time;
using Heard = std::vector<std::string>;

Time at(core::Duration since) { return Time{since}; }

Ticket ticket(int number, uid_t uid = 1000) { return {uid, "ticket-" + std::to_string(number)}; }

TicketPart part(std::uint64_t request, std::uint64_t app = 1) {
  return {.request = RequestId{request}, .app = AppId{app}};
}

core::Outcome outcome(core::Result result) { return {.result = result}; }

TicketHandlers listen(Heard& heard, const std::string& who) {
  return {.answered =
              [&heard, who](const core::Outcome& what, std::size_t left) {
                const std::string result(core::name_of(what.result));
                heard.push_back(who + ": " + result + ", left " + std::to_string(left));
              },
          .noted = [&heard, who](const Told& told) { heard.push_back(who + ": " + told.text); }};
}

Told told(std::uint64_t app, std::string text) {
  Told out;
  out.note.app = AppId{app};
  out.text = std::move(text);
  return out;
}

// As many calls, one after the other, all answered.
void answered_calls(Tickets& tickets, int first, int count, uid_t uid) {
  for (int i = first; i < first + count; ++i) {
    tickets.add(ticket(i, uid), {"m", 0}, {part(static_cast<std::uint64_t>(i))}, at(std::chrono::seconds(i)));
    tickets.answer(RequestId{static_cast<std::uint64_t>(i)}, {}, at(std::chrono::seconds(i)));
  }
}

TEST_CASE("a ticket is known to the user who has made it, with what was called") {
  Tickets tickets;
  CHECK_FALSE(tickets.find(ticket(1)));
  tickets.add(ticket(1), {"Upgrade", 7}, {part(1), part(2, 2)}, at(0s));
  REQUIRE(tickets.find(ticket(1)));
  CHECK(tickets.find(ticket(1))->call == TicketCall{"Upgrade", 7});
  CHECK(tickets.find(ticket(1))->parts == 2);
  CHECK_FALSE(tickets.find(ticket(2)));
  CHECK_FALSE(tickets.find(ticket(1, 1001)));
}

TEST_CASE("whoever is attached hears the notes of what still waits, and each outcome once") {
  Tickets tickets;
  Heard heard;
  tickets.add(ticket(1), {"Upgrade", 7}, {part(1), part(2, 2)}, at(0s));
  const AttachmentId first = tickets.attach(ticket(1), listen(heard, "a"));
  CHECK(first != tickets.attach(ticket(1), listen(heard, "b")));
  tickets.tell(told(2, "two"));
  tickets.tell(told(3, "three"));
  tickets.answer(RequestId{2}, outcome(core::Result::rolled_back), at(1s));
  tickets.tell(told(2, "two again"));
  tickets.answer(RequestId{2}, outcome(core::Result::rolled_back), at(1s));
  tickets.answer(RequestId{9}, {}, at(1s));
  tickets.answer(RequestId{1}, {}, at(2s));
  tickets.tell(told(1, "one"));
  CHECK(heard == Heard{"a: two", "b: two", "a: rolled_back, left 1", "b: rolled_back, left 1", "a: done, left 0",
                       "b: done, left 0"});
}

TEST_CASE("who comes late is told what the outcomes were, and who comes last the latest of them") {
  Tickets tickets;
  Heard heard;
  tickets.add(ticket(1), {"Upgrade", 7}, {part(1), part(2, 2)}, at(0s));
  tickets.answer(RequestId{2}, outcome(core::Result::timed_out), at(1s));
  const AttachmentId waiting = tickets.attach(ticket(1), listen(heard, "a"));
  CHECK(heard == Heard{"a: timed_out, left 1"});
  tickets.answer(RequestId{1}, {}, at(2s));
  tickets.answer(RequestId{2}, outcome(core::Result::rolled_back), at(2s));  // by the next master, say
  CHECK(heard == Heard{"a: timed_out, left 1", "a: done, left 0"});
  tickets.detach(waiting, at(3s));
  heard.clear();
  const AttachmentId late = tickets.attach(ticket(1), listen(heard, "b"));
  CHECK(heard == Heard{"b: done, left 1", "b: rolled_back, left 0"});
  tickets.detach(late, at(3s));
  CHECK(tickets.next_deadline() == core::kNever);
}

TEST_CASE("a handler may detach itself and others") {
  Tickets tickets;
  tickets.add(ticket(1), {"Upgrade", 7}, {part(1)}, at(0s));
  AttachmentId first = 0;
  AttachmentId second = 0;
  int noted = 0;
  const auto detach_both = [&](const Told&) {
    ++noted;
    tickets.detach(first, at(1s));
    tickets.detach(second, at(1s));
  };
  first = tickets.attach(ticket(1), {.answered = {}, .noted = detach_both});
  second = tickets.attach(ticket(1), {.answered = {}, .noted = detach_both});
  tickets.tell(told(1, "x"));
  tickets.tell(told(1, "y"));
  CHECK(noted == 1);
  CHECK(tickets.next_deadline() == at(11s));
}

TEST_CASE("a call whose client has gone waits a while for him to come back") {
  Tickets tickets;
  Heard heard;
  tickets.add(ticket(1), {"Upgrade", 7}, {part(1), part(2, 2)}, at(0s));
  tickets.answer(RequestId{1}, {}, at(0s));
  const AttachmentId one = tickets.attach(ticket(1), listen(heard, "a"));
  const AttachmentId two = tickets.attach(ticket(1), listen(heard, "b"));
  tickets.detach(one, at(100s));
  CHECK(tickets.next_deadline() == core::kNever);
  tickets.detach(two, at(101s));
  CHECK(tickets.next_deadline() == at(111s));
  CHECK(tickets.left_too_long(at(110s)).empty());
  REQUIRE(tickets.left_too_long(at(111s)).size() == 1);
  CHECK(tickets.left_too_long(at(111s)).front().request == RequestId{2});
  const AttachmentId again = tickets.attach(ticket(1), listen(heard, "c"));
  CHECK(tickets.left_too_long(at(500s)).empty());
  tickets.detach(again, at(500s));
  tickets.answer(RequestId{2}, outcome(core::Result::timed_out), at(510s));
  CHECK(tickets.next_deadline() == core::kNever);
  CHECK(tickets.find(ticket(1)));
}

TEST_CASE("of very many that were left the oldest are given up at once") {
  Tickets tickets({.left = 2});
  Heard heard;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    tickets.add(ticket(static_cast<int>(i)), {"Wait", 0}, {part(i)}, at(0s));
    tickets.detach(tickets.attach(ticket(static_cast<int>(i)), listen(heard, "a")), at(std::chrono::seconds(i)));
  }
  CHECK(tickets.next_deadline() == at(1s));
  const auto parts = tickets.left_too_long(at(4s));
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].request == RequestId{1});
  CHECK(parts[1].request == RequestId{2});
}

TEST_CASE("an answer is remembered for a while, and what waits is not forgotten") {
  Tickets tickets;
  tickets.add(ticket(1), {"Upgrade", 7}, {part(1)}, at(0s));
  tickets.add(ticket(2), {"Upgrade", 7}, {part(2)}, at(0s));
  tickets.answer(RequestId{1}, {}, at(10s));
  tickets.add(ticket(3), {"Upgrade", 7}, {part(3)}, at(609s));
  CHECK(tickets.find(ticket(1)));
  tickets.add(ticket(4), {"Upgrade", 7}, {part(4)}, at(610s));
  CHECK_FALSE(tickets.find(ticket(1)));
  CHECK(tickets.find(ticket(2)));
}

TEST_CASE("a user who calls very often makes nobody's answers be forgotten but his own") {
  Tickets tickets({.answered = 4});
  answered_calls(tickets, 1, 2, 1000);
  answered_calls(tickets, 11, 5, 1001);
  CHECK(tickets.find(ticket(1)));
  CHECK(tickets.find(ticket(2)));
  CHECK_FALSE(tickets.find(ticket(13, 1001)));
  CHECK(tickets.find(ticket(14, 1001)));
  CHECK(tickets.find(ticket(15, 1001)));
}

TEST_CASE("a ticket that was forgotten can be given anew while its first client is still connected") {
  Tickets tickets;
  Heard heard;
  tickets.add(ticket(1), {"Upgrade", 7}, {part(1)}, at(0s));
  const AttachmentId old = tickets.attach(ticket(1), listen(heard, "a"));
  tickets.answer(RequestId{1}, {}, at(0s));
  tickets.add(ticket(2), {"Upgrade", 7}, {part(2)}, at(600s));
  REQUIRE_FALSE(tickets.find(ticket(1)));
  tickets.add(ticket(1), {"Upgrade", 7}, {part(3)}, at(601s));
  const AttachmentId now = tickets.attach(ticket(1), listen(heard, "b"));
  tickets.detach(old, at(602s));
  tickets.answer(RequestId{3}, {}, at(603s));
  CHECK(heard == Heard{"a: done, left 0", "b: done, left 0"});
  tickets.detach(now, at(604s));
}

}  // namespace
}  // namespace liveswap::master
