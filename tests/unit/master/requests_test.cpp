#include "master/requests.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace liveswap;
using master::Requests;

namespace {

master::Told told_of(std::uint64_t app) {
  master::Told told;
  told.note.app = core::AppId{app};
  return told;
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
  requests.answer(one, {});
  requests.answer(one, {});
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
  requests.answer(two, {});
  CHECK_FALSE(requests.take_upgrade(two));
}
