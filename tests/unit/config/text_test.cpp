// Words for messages.
#include "config/text.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace liveswap::config;

TEST_CASE("a swap of two letters is one edit") {
  CHECK(distance("", "abc") == 3);
  CHECK(distance("abc", "abc") == 0);
  CHECK(distance("abc", "acb") == 1);
  CHECK(distance("workers", "worker") == 1);
  CHECK(distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest name is near enough, or there is none") {
  std::vector<std::string> names{"timeout", "signal", "env", "log"};
  CHECK(nearest("timeuot", names) == "timeout");
  CHECK(nearest("singal", names) == "signal");
  CHECK(nearest("evn", names) == "env");
  CHECK(nearest("time", names) == "timeout");
  CHECK_FALSE(nearest("user", names));
  CHECK_FALSE(nearest("x", names));
  CHECK_FALSE(nearest("", names));
  CHECK_FALSE(nearest(std::string(1000, 't'), names));
  CHECK(did_you_mean("sginal", names) == " (did you mean \"signal\"?)");
  CHECK(did_you_mean("user", names) == "");
}

TEST_CASE("quoted text is one safe line") {
  CHECK(quoted("a b") == "\"a b\"");
  CHECK(quoted("a\nb\tc\x1b[0m\x7f") == "\"a\\nb\\tc\\x1b[0m\\x7f\"");
  CHECK(quoted("\xC3\xA9\xFF") == "\"\xC3\xA9\\xff\"");
  CHECK(quoted("\xC2\x9B"
               "31m") == "\"\\xc2\\x9b31m\"");
  CHECK(quoted(std::string(61, 'x')) == "\"" + std::string(60, 'x') + "…\"");
  CHECK(quoted(std::string(60, 'x')) == "\"" + std::string(60, 'x') + "\"");
}
