// Env files.
#include "config/env_file.hpp"

#include <doctest/doctest.h>

using namespace liveswap::config;

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

Variables parsed(std::string_view text) {
  auto variables = parse_env_file(text, "/etc/env");
  return variables ? *variables : Variables{{"error", variables.error()}};
}

}  // namespace

TEST_CASE("lines of names and values, with comments between") {
  CHECK(parsed("") == Variables{});
  CHECK(parsed("# a\n\n  ; b\nA=1\n  B = x\n") == Variables{{"error", "/etc/env:5: \"B \" is not a name"}});
  CHECK(parsed("A=1\n  B= two words \r\nC=\nexport D=4\nA=5") ==
        Variables{{"A", "1"}, {"B", "two words"}, {"C", ""}, {"D", "4"}, {"A", "5"}});
  CHECK(parsed("A=b#c # d\n") == Variables{{"A", "b#c # d"}});
}

TEST_CASE("quotes") {
  CHECK(parsed("A=\" b \"\nB=' c '\nC=\"x\\\"y\\\\z\\n\"\nD='\\n'\nE=a'b'\"c\"\n") ==
        Variables{{"A", " b "}, {"B", " c "}, {"C", "x\"y\\z\\n"}, {"D", "\\n"}, {"E", "abc"}});
}

TEST_CASE("values go over lines in quotes and behind a backslash") {
  CHECK(parsed("A=\"1\n2\"\nB=1\\\n2\nC='x\ny'\nD=\"a\\\nb\"\n") ==
        Variables{{"A", "1\n2"}, {"B", "12"}, {"C", "x\ny"}, {"D", "ab"}});
}

TEST_CASE("nothing is expanded") {
  CHECK(parsed("A=$HOME/${fd:x}\nB=\\$x\n") == Variables{{"A", "$HOME/${fd:x}"}, {"B", "$x"}});
}

TEST_CASE("errors name file and line") {
  CHECK(parsed("A=1\nhello world\n") == Variables{{"error", "/etc/env:2: \"hello world\" has no ="}});
  CHECK(parsed("\n=5\n") == Variables{{"error", "/etc/env:2: \"\" is not a name"}});
  CHECK(parsed("1A=5\n") == Variables{{"error", "/etc/env:1: \"1A\" is not a name"}});
  CHECK(parsed("A=1\nB=\"x\ny\n") == Variables{{"error", "/etc/env:2: this \" is not closed"}});
  CHECK(parsed(std::string_view("A=1\nB=\0\n", 9)) == Variables{{"error", "/etc/env:2: a NUL character"}});
}
