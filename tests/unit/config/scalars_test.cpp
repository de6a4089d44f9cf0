// Single values: what is read, and the reason where it is not.
#include "config/scalars.hpp"

#include <doctest/doctest.h>

#include <csignal>

#include "core/text.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

template <class T>
std::string reason(const Parsed<T>& parsed) {
  return parsed ? "good" : parsed.error();
}

}  // namespace

TEST_CASE("durations have units") {
  using namespace std::chrono;
  CHECK(*parse_duration("250ms") == milliseconds(250));
  CHECK(*parse_duration("5s") == seconds(5));
  CHECK(*parse_duration("2m") == minutes(2));
  CHECK(*parse_duration("1h") == hours(1));
  CHECK(*parse_duration("1h30m5s7ms") == hours(1) + minutes(30) + seconds(5) + milliseconds(7));
  CHECK(*parse_duration("0s") == core::Duration::zero());
  CHECK(*parse_duration("infinity") == core::kForever);
}

TEST_CASE("what is no duration says how to write one") {
  CHECK(reason(parse_duration("5")) == "\"5\" has no unit: write 5s, or 5ms");
  for (std::string text : {"", "s", "5 s", "5sec", "1.5s", "-1s", "5s1m", "5s5s", "5us", "1d", "5s ",
                           "99999999999999h", "18446744073709551616s"}) {
    CHECK(reason(parse_duration(text)) ==
          "\"" + text + "\" is not a duration: write 250ms, 5s, 2m, 1h or infinity");
  }
  CHECK(reason(parse_duration("0s", {.zero = false})) == "must be longer than zero");
  CHECK(reason(parse_duration("0h0s", {.zero = false})) == "must be longer than zero");
  CHECK(reason(parse_duration("infinity", {.infinity = false})) == "infinity makes no sense here");
}

TEST_CASE("what is shown of a duration reads as it again") {
  for (std::string text : {"250ms", "5s", "1m30s", "2m", "1h", "36h", "infinity"}) {
    CHECK(*parse_duration(core::text_of(*parse_duration(text))) == *parse_duration(text));
  }
}

TEST_CASE("booleans") {
  for (const char* text : {"true", "yes", "on"}) CHECK(*parse_boolean(text));
  for (const char* text : {"false", "no", "off"}) CHECK_FALSE(*parse_boolean(text));
  CHECK(reason(parse_boolean("1")) == "\"1\" is not one of true, false, yes, no, on, off");
}

TEST_CASE("signals by name, with SIG, by number") {
  CHECK(*parse_signal("TERM") == SIGTERM);
  CHECK(*parse_signal("SIGTERM") == SIGTERM);
  CHECK(*parse_signal("15") == SIGTERM);
  CHECK(*parse_signal("USR2") == SIGUSR2);
  CHECK(*parse_signal("64") == 64);
  CHECK(reason(parse_signal("term")) == "\"term\" is not a signal: did you mean TERM?");
  CHECK(reason(parse_signal("SIGTREM")) == "\"SIGTREM\" is not a signal: did you mean TERM?");
  CHECK(reason(parse_signal("QIUT")) == "\"QIUT\" is not a signal: did you mean QUIT?");
  CHECK(reason(parse_signal("0")) == "\"0\" is not a signal: write TERM, SIGTERM or 15");
  CHECK(reason(parse_signal("65")) == "\"65\" is not a signal: write TERM, SIGTERM or 15");
  CHECK(reason(parse_signal("")) == "\"\" is not a signal: write TERM, SIGTERM or 15");
}

TEST_CASE("numbers are decimal and within bounds") {
  CHECK(*parse_number("4096", 1, 4096) == 4096);
  for (std::string text : {"4097", "0", "-1", "+1", " 1", "1e3", "0x1", "", "99999999999999999999"}) {
    CHECK(reason(parse_number(text, 1, 4096)) == "\"" + text + "\" is not a number from 1 to 4096");
  }
  CHECK(*parse_bits("0xff", 255) == 255);
  CHECK(*parse_bits("16", 255) == 16);
  CHECK(reason(parse_bits("0x", 255)) == "\"0x\" is not a number from 0 to 255 (or 0x0 to 0xff)");
}

TEST_CASE("amounts") {
  CHECK(*parse_amount("25%") == core::Amount{25, true});
  CHECK(*parse_amount("3") == core::Amount{3, false});
  for (std::string text : {"%", "101%", "4097", "1.5", "-1", ""}) {
    CHECK(reason(parse_amount(text)) ==
          "\"" + text + "\" is neither a number from 0 to 4096 nor a percentage from 0% to 100%");
  }
}

TEST_CASE("names") {
  for (std::string_view good : {"a", "0", "web", "web-1.2_x", "A"}) CHECK(is_name(good));
  for (std::string_view bad : {"", "-a", ".a", "_a", "a b", "a/b", "a:b", "\xC3\xA9"})
    CHECK_FALSE(is_name(bad));
  CHECK(is_name(std::string(64, 'a')));
  CHECK_FALSE(is_name(std::string(65, 'a')));
}
