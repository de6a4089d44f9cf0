// A command's text, split as a shell splits words.
#include "config/words.hpp"

#include <doctest/doctest.h>

using namespace liveswap::config;

namespace {

std::vector<std::string> split(std::string_view text) {
  auto words = split_words(text);
  if (!words) return {"error " + std::to_string(words.error().offset), words.error().message};
  std::vector<std::string> texts;
  for (const auto& word : *words) texts.push_back(word.text);
  return texts;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("words are split at blanks") {
  CHECK(split("") == Words{});
  CHECK(split(" \t\n ") == Words{});
  CHECK(split("  a  b\tc\nd ") == Words{"a", "b", "c", "d"});
}

TEST_CASE("each word knows where it begins") {
  auto words = split_words(" a \"b c\" d'e'");
  REQUIRE(words);
  CHECK(*words == std::vector<Word>{{"a", 1}, {"b c", 3}, {"de", 9}});
}

TEST_CASE("quotes keep blanks and may be empty") {
  CHECK(split("'a b' \"c d\" '' \"\"") == Words{"a b", "c d", "", ""});
  CHECK(split("a'b c'\"d e\"f") == Words{"ab cd ef"});
  CHECK(split("'a\"b' \"c'd\"") == Words{"a\"b", "c'd"});
}

TEST_CASE("backslashes escape as in a shell") {
  CHECK(split("a\\ b \\'c \\\\d \\|") == Words{"a b", "'c", "\\d", "|"});
  CHECK(split("\"a\\\"b\" \"c\\\\d\" \"e\\nf\"") == Words{"a\"b", "c\\d", "e\\nf"});
  CHECK(split("'a\\b'") == Words{"a\\b"});
}

TEST_CASE("a backslash at a line's end goes on with the next line") {
  CHECK(split("a \\\n  b") == Words{"a", "b"});
  CHECK(split("a\\\nb") == Words{"ab"});
  CHECK(split("\"a\\\nb\"") == Words{"ab"});
}

TEST_CASE("an escaped dollar stays one when ${…} is expanded later") {
  CHECK(split("\\${fd:x} \"\\$y\" '$z' ${fd:x}") == Words{"$${fd:x}", "$$y", "$z", "${fd:x}"});
}

TEST_CASE("what only a shell can do is an error") {
  auto only = [](std::string_view what) {
    return "\"" + std::string(what) +
           "\" means something to a shell only; no shell is run: quote it, or write [sh, -c, …]";
  };
  CHECK(split("a | b") == Words{"error 2", only("|")});
  CHECK(split("a && b") == Words{"error 2", only("&")});
  CHECK(split("a;b") == Words{"error 1", only(";")});
  CHECK(split("a 2>&1") == Words{"error 3", only(">")});
  CHECK(split("a < b") == Words{"error 2", only("<")});
  CHECK(split("(a)") == Words{"error 0", only("(")});
  CHECK(split("a `b`") == Words{"error 2", only("`")});
  CHECK(split("a $(b)") == Words{"error 2", only("$(")});
  CHECK(split("a \"$(b)\"") == Words{"error 3", only("$(")});
  CHECK(split("a \"`b`\"") == Words{"error 3", only("`")});
  CHECK(split("a # b") == Words{"error 2", "# begins a comment in a shell: quote it"});
}

TEST_CASE("the same in quotes is text") {
  CHECK(split("'|' \"&&\" '$(b)' a#b '#c'") == Words{"|", "&&", "$(b)", "a#b", "#c"});
}

TEST_CASE("what is not closed is an error where it opens") {
  CHECK(split("a 'b c") == Words{"error 2", "this ' is not closed"});
  CHECK(split("a \"b c") == Words{"error 2", "this \" is not closed"});
  CHECK(split("a \"b\\") == Words{"error 2", "this \" is not closed"});
  CHECK(split("a b\\") == Words{"error 3", "a \\ at the end escapes nothing"});
}
