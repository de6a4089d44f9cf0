// `handoff: steered`, `queues` and `drain.signal: none`: what goes with what, and how a worker leaves by it.
#include <string>

#include "config/describe.hpp"
#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

std::string file(const std::string& listener, const std::string& app = "command: ./s") {
  return "listeners: {http: {" + listener + "}, plain: tcp://:81}\napps: {web: {" + app + ", listeners: [http]}}\n";
}

const std::string kSteered = "address: tcp://:80, handoff: steered";

core::MasterPlan good(const std::string& listener, const std::string& app = "command: ./s") {
  return plan_of(file(listener, app));
}

std::string described(const std::string& listener) { return describe(good(listener), test_facts()); }

// The first error or warning, without its place's line and caret.
std::string complaint(const std::string& text) {
  const auto all = told(text);
  return all.substr(0, all.find('\n'));
}

}  // namespace

TEST_CASE("a listener is shared unless it is steered, and a worker leaves accordingly") {
  const auto shared = good("address: tcp://:80");
  CHECK(shared.listeners[0].handoff == core::Handoff::shared);
  CHECK(shared.apps[0].policy.leaving == core::Leaving::asked_at_once);
  const auto steered = good(kSteered);
  CHECK(steered.listeners[0].handoff == core::Handoff::steered);
  CHECK(steered.listeners[0].queues == core::Queues::one);
  CHECK(steered.apps[0].policy.leaving == core::Leaving::asked_when_starved);
  CHECK(steered.apps[0].policy.drain_by_signal);
  CHECK(good(kSteered + ", queues: per-worker").listeners[0].queues == core::Queues::per_worker);
  const auto none = good(kSteered, "command: ./s, drain: {signal: none}");
  CHECK(none.apps[0].policy.leaving == core::Leaving::stopped_when_empty);
  CHECK_FALSE(none.apps[0].policy.drain_by_signal);
  CHECK(good(kSteered, "command: ./s, protocol: native, drain: {signal: none}").apps[0].policy.leaving ==
        core::Leaving::stopped_when_empty);
  const auto both = plan_of("listeners: {a: {" + kSteered + "}, b: tcp://:81}\napps: {web: {command: ./s}}\n");
  CHECK(both.apps[0].policy.leaving == core::Leaving::asked_when_starved);
}

TEST_CASE("what cannot be steered is an error") {
  CHECK(complaint(file("address: \"unix:@bus\", handoff: steered"))
            .contains("listeners.http.handoff: \"unix:@bus\" cannot be steered"));
  CHECK(complaint(file("address: unix-dgram:/run/x, handoff: steered")).contains("cannot be steered"));
  CHECK(complaint(file("address: tcp://:80, queues: per-worker"))
            .contains("listeners.http.queues: goes with handoff: steered only"));
  CHECK(complaint(file("address: unix:/run/x, handoff: steered, queues: per-worker"))
            .contains("listeners.http.queues: per-worker is for tcp and udp"));
  CHECK(complaint(file("address: tcp://:80, handoff: sideways")).contains("is not one of shared, steered"));
  CHECK(complaint("listeners: {http: {" + kSteered + "}}\napps:\n  a: {command: ./s, listeners: [http]}\n"
                  "  b: {command: ./s, listeners: [http]}\n")
            .contains("listeners.http: a steered listener is one app's, and a, b list it"));
}

TEST_CASE("drain.signal: none needs listeners that are all steered") {
  const std::string none = "command: ./s, drain: {signal: none}";
  CHECK(complaint(file("address: tcp://:80", none)).contains("apps.web.drain.signal: none needs handoff: steered"));
  CHECK(complaint("apps: {web: {" + none + "}}\n").contains("none needs a listener with handoff: steered"));
  CHECK(complaint("listeners: {a: {" + kSteered + "}, b: tcp://:81}\napps: {web: {" + none + "}}\n")
            .contains("and \"b\" is shared"));
}

TEST_CASE("--check says which listeners are steered") {
  CHECK(described(kSteered + ", queues: per-worker").contains(", steered, one for each worker\n"));
  CHECK(described(kSteered).contains(", steered\n"));
}
