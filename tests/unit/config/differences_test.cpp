// What of a changed file an upgrade takes up, refuses and leaves alone.
#include "config/differences.hpp"

#include "helpers.hpp"

using namespace liveswap::config;

namespace {

const std::string kBase =
    "listeners: {http: tcp://:80, api: tcp://:81}\n"
    "apps: {web: {command: ./a, listeners: [http]}, api: {command: ./b, listeners: [api]}}\n";

Differences against_base(const std::string& text, const std::vector<std::string>& upgraded = {"web"}) {
  return compare(plan_of(kBase), plan_of(text), upgraded);
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the same file differs in nothing") { CHECK(against_base(kBase) == Differences{}); }

TEST_CASE("name, control and listeners are fixed") {
  CHECK(
      against_base("name: shop\ncontrol: {socket: x}\n"
                   "listeners: {http: tcp://:8080, new: tcp://:82}\n"
                   "apps: {web: {command: ./a, listeners: [http]}, api: {command: ./b, listeners: []}}\n") ==
      Differences{Names{"name", "control", "listeners.http", "listeners.new", "listeners.api"},
                  Names{"apps.api"}});
}

TEST_CASE("what is served to other programs is fixed") {
  CHECK(against_base("serve: {haproxy: ha.sock}\n" + kBase) == Differences{Names{"serve"}, {}});
}

TEST_CASE("an option of a listener is a difference, its order in the file is none") {
  CHECK(against_base(
            "listeners: {api: tcp://:81, http: {address: tcp://:80, backlog: 5}}\n"
            "apps: {web: {command: ./a, listeners: [http]}, api: {command: ./b, listeners: [api]}}\n") ==
        Differences{Names{"listeners.http"}, {}});
}

TEST_CASE("other changes are left alone, but for the upgraded apps") {
  const std::string changed =
      "runtime_dir: /run/x\nstate_dir: none\nlog: {level: debug}\nshutdown: {timeout: 5s}\nstart: "
      "{on_failure: retry}\n"
      "listeners: {http: tcp://:80, api: tcp://:81}\n"
      "apps: {web: {command: ./new, listeners: [http]}, more: {command: ./c, listeners: [api]}}\n";
  CHECK(against_base(changed) ==
        Differences{{},
                    Names{"runtime_dir", "state_dir", "log", "shutdown", "start", "apps.more", "apps.api"}});
  CHECK(against_base(changed, {"api"}).left_alone ==
        Names{"runtime_dir", "state_dir", "log", "shutdown", "start", "apps.web", "apps.more"});
}
