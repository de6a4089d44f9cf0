// Widths, cuts and strangers' lines; tables; times as people read them; the area that is drawn again.
#include "ctl/style.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

#include "ctl/screen.hpp"
#include "ctl/table.hpp"
#include "ctl/times.hpp"

namespace liveswap::ctl {
namespace {

using namespace std::chrono_literals;

TEST_CASE("escape codes take no column, wide characters two") {
  const Style style{.color = true};
  CHECK(width_of(style.good("ready")) == 5);
  CHECK(width_of("käse") == 4);
  CHECK(width_of("日本") == 4);
  CHECK(width_of("\xff") == 1);
  CHECK(padded(style.bad("x"), 3) == "\033[31mx\033[0m  ");
  CHECK(Style{}.bad("x") == "x");
}

TEST_CASE("a cut never leaves the terminal painted, nor half a character") {
  CHECK(cut_to("abcdef", 3) == "abc");
  CHECK(cut_to("abc", 3) == "abc");
  CHECK(cut_to("käse", 2) == "kä");
  CHECK(cut_to("日本", 3) == "日");
  CHECK(cut_to(Style{.color = true}.good("ready"), 2) == "\033[32mre\033[0m");
}

TEST_CASE("a stranger's line cannot drive the terminal, and keeps its indent") {
  CHECK(harmless("\x1b]0;title\x07ok") == "?]0;title?ok");
  CHECK(harmless("  at\tx") == "  at    x");
  CHECK(harmless("caf\xe9") == "caf?");
  CHECK(harmless("   ") == "   ");
  CHECK(harmless("") == "");
}

TEST_CASE("columns of a table are as wide as their widest cell") {
  Table table;
  table.add({"NAME", "X", ""});
  table.add({"a", "longer", "end"});
  CHECK(table.text() == "NAME  X\na     longer  end\n");
}

TEST_CASE("times are parsed exactly, and what is none is refused") {
  CHECK(parse_time("2026-01-31T23:59:59.123Z") == WallTime{1'769'903'999'123ms});
  for (const char* text : {"", "2026-01-31T23:59:59Z", "2026-02-30T00:00:00.000Z", "2026-01-31 23:59:59.123Z",
                           "2026-01-31T23:59:59.12xZ", "-026-01-31T23:59:59.123Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text));
  }
}

TEST_CASE("ages have one unit, and what took long has two") {
  const WallTime now{1'000'000s};
  CHECK(age(now - 59s, now) == "59s");
  CHECK(age(now - 61s, now) == "1m");
  CHECK(age(now - 3h, now) == "3h");
  CHECK(age(now - 49h, now) == "2d");
  CHECK(age(now + 5s, now) == "0s");
  CHECK(took(now, now + 1'460ms) == "1.4s");
  CHECK(took(now, now + 45s) == "45s");
  CHECK(took(now, now + 125s) == "2m5s");
  CHECK(took(now, now + 3h + 65s) == "3h1m");
  CHECK(took(now, now - 1s) == "0s");
}

TEST_CASE("clocks are of the reader's own time zone, with the date where it is another day") {
  REQUIRE(::setenv("TZ", "UTC-2", 1) == 0);
  ::tzset();
  const WallTime time = *parse_time("2026-01-31T12:32:05.000Z");
  CHECK(clock(time, time + 1h) == "14:32");
  CHECK(clock(time, time + 24h) == "Jan 31 14:32");
  CHECK(date_and_clock(time) == "2026-01-31 14:32:05");
}

TEST_CASE("an area is drawn over what was drawn before, and left alone where it is the same") {
  std::string out;
  Screen screen([&](std::string_view text) {
    out += text;
    return true;
  });
  screen.draw({"a", "b"});
  CHECK(out == "\ra\033[K\n\rb\033[K\n");
  out.clear();
  screen.draw({"a", "b"});
  CHECK(out == "");
  screen.draw({"c"});
  CHECK(out == "\033[2A\rc\033[K\n\033[K\n\033[1A");
  out.clear();
  screen.keep();
  screen.draw({"d"});
  CHECK(out == "\rd\033[K\n");
}

}  // namespace
}  // namespace liveswap::ctl
