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

TEST_CASE("overrides belong to a request for as long as it waits") {
  Requests requests;
  const core::RequestId id = requests.open(core::AppId{1}, {});
  requests.set_overrides(id, {.target = "/srv/b", .command = {}, .env = {}, .label = ""});
  CHECK(requests.overrides_of(id).target == "/srv/b");
  CHECK(requests.overrides_of(std::nullopt).empty());
  requests.close(id);
  CHECK(requests.overrides_of(id).empty());
}
