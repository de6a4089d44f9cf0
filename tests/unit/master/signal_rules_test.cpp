#include "master/signal_rules.hpp"

#include <doctest/doctest.h>
#include <signal.h>

using namespace liveswap;
using namespace std::chrono_literals;
using master::SignalMeaning;

namespace {

constexpr core::Time at(core::Duration since_start) { return core::Time(since_start); }

constexpr master::SignalSender kStranger{master::SignalWay::direct, false};
constexpr master::SignalSender kForwarded{master::SignalWay::forwarded, false};
constexpr master::SignalSender kWorker{master::SignalWay::direct, true};

}  // namespace

TEST_CASE("TERM and QUIT drain, however often they come") {
  master::SignalRules rules;
  for (const auto when : {10s, 20s, 30s}) {
    CHECK(rules.meaning_of(SIGTERM, kStranger, at(when)) == SignalMeaning::shut_down);
    CHECK(rules.meaning_of(SIGQUIT, kStranger, at(when)) == SignalMeaning::shut_down);
  }
}

TEST_CASE("a second INT stops at once, but not within a second of the first") {
  master::SignalRules rules;
  CHECK(rules.meaning_of(SIGINT, kStranger, at(10s)) == SignalMeaning::shut_down);
  CHECK(rules.meaning_of(SIGINT, kStranger, at(10s + 999ms)) == SignalMeaning::shut_down);
  CHECK(rules.meaning_of(SIGINT, kStranger, at(11s)) == SignalMeaning::shut_down_now);
}

TEST_CASE("what a worker of ours sends is ignored, but a child's end is heard") {
  master::SignalRules rules;
  for (const int signo : {SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    CHECK(rules.meaning_of(signo, kWorker, at(1s)) == SignalMeaning::ignored);
  }
  CHECK(rules.meaning_of(SIGCHLD, kWorker, at(1s)) == SignalMeaning::reap);
}

TEST_CASE("HUP, USR1 and USR2 have their meanings") {
  master::SignalRules rules;
  CHECK(rules.meaning_of(SIGHUP, kStranger, at(1s)) == SignalMeaning::check_file);
  CHECK(rules.meaning_of(SIGUSR1, kStranger, at(1s)) == SignalMeaning::reopen_logs);
  CHECK(rules.meaning_of(SIGUSR2, kStranger, at(1s)) == SignalMeaning::upgrade_all);
}

TEST_CASE("a signal that reaches the guardian and the master is one") {
  master::SignalRules rules;
  CHECK(rules.meaning_of(SIGUSR2, kForwarded, at(1s)) == SignalMeaning::upgrade_all);
  CHECK(rules.meaning_of(SIGUSR2, kStranger, at(1s + 10ms)) == SignalMeaning::nothing);
  CHECK(rules.meaning_of(SIGUSR2, kStranger, at(1s + 20ms)) == SignalMeaning::upgrade_all);
  CHECK(rules.meaning_of(SIGUSR2, kForwarded, at(2s)) == SignalMeaning::upgrade_all);
  CHECK(rules.meaning_of(SIGHUP, kStranger, at(2s)) == SignalMeaning::check_file);
}
