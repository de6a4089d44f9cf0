// sd_notify datagrams as real programs and liars send them.
#include "wire/sd_notify.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "wire/printable.hpp"

namespace {

using namespace liveswap::wire;
using namespace std::string_view_literals;
using Problems = std::vector<std::string>;

TEST_CASE("sd_notify: each known key sets its value") {
  Notification expected;
  expected.ready = true;
  expected.stopping = true;
  expected.reloading = true;
  expected.status = "serving";
  expected.error_number = 5;
  expected.main_pid = 4711;
  expected.watchdog_ping = true;
  expected.watchdog_usec = 30000000;
  expected.extend_timeout_usec = 18446744073709551615U;
  expected.monotonic_usec = 99;
  CHECK(parse_notification(
            "READY=1\nSTOPPING=1\nRELOADING=1\nSTATUS=serving\nERRNO=5\nMAINPID=4711\nWATCHDOG=1\n"
            "WATCHDOG_USEC=30000000\nEXTEND_TIMEOUT_USEC=18446744073709551615\nMONOTONIC_USEC=99",
            0) == expected);
}

TEST_CASE("sd_notify: empty lines, a last newline and a last NUL mean nothing") {
  Notification ready;
  ready.ready = true;
  CHECK(parse_notification("READY=1", 0) == ready);
  CHECK(parse_notification("READY=1\n", 0) == ready);
  CHECK(parse_notification("\n\nREADY=1\n\n", 0) == ready);
  CHECK(parse_notification("READY=1\0"sv, 0) == ready);
  CHECK(parse_notification("", 0) == Notification{});
}

TEST_CASE("sd_notify: unknown keys are counted and do no harm") {
  const Notification result = parse_notification("X_OWN=1\nREADY=1\nnot a line\nready=1\n=1", 0);
  CHECK(result.ready);
  CHECK(result.unknown_keys == 4);
  CHECK(result.problems.empty());
}

TEST_CASE("sd_notify: the first of two lines with one key counts") {
  CHECK(parse_notification("STATUS=one\nSTATUS=two", 0).status == "one");
}

TEST_CASE("sd_notify: a bad value is a problem and sets nothing") {
  const auto only_problem = [](std::string_view line) {
    CAPTURE(line);
    Notification expected;
    expected.problems = {"bad value: " + std::string{line}};
    CHECK(parse_notification(line, 0) == expected);
  };
  only_problem("READY=0");
  only_problem("READY=");
  only_problem("STOPPING=yes");
  only_problem("MAINPID=0");
  only_problem("MAINPID=-1");
  only_problem("MAINPID=2147483648");
  only_problem("ERRNO=4096");
  only_problem("WATCHDOG=2");
  only_problem("WATCHDOG_USEC=1s");
  only_problem("EXTEND_TIMEOUT_USEC=18446744073709551616");
}

TEST_CASE("sd_notify: the watchdog can be pulled") {
  const Notification result = parse_notification("WATCHDOG=trigger", 0);
  CHECK(result.watchdog_trigger);
  CHECK_FALSE(result.watchdog_ping);
}

TEST_CASE("sd_notify: a barrier stands alone with exactly one descriptor") {
  CHECK(parse_notification("BARRIER=1", 1).barrier);
  Notification refused;
  refused.problems = {"BARRIER=1 came without exactly one descriptor"};
  CHECK(parse_notification("BARRIER=1", 0) == refused);
  CHECK(parse_notification("BARRIER=1\n", 2) == refused);
  refused.problems = {"BARRIER=1 came together with other lines"};
  refused.ready = true;
  CHECK(parse_notification("BARRIER=1\nREADY=1", 1) == refused);
}

TEST_CASE("sd_notify: a descriptor store is asked for in vain, but noticed") {
  const Notification result = parse_notification("FDSTORE=1\nFDNAME=x\nFDPOLL=0", 2);
  CHECK(result.fd_store);
  CHECK(result.unknown_keys == 0);
  CHECK(result.problems.empty());
}

TEST_CASE("sd_notify: what is too long or has a NUL inside is refused whole") {
  Notification expected;
  expected.problems = {"the message is longer than 4096 bytes"};
  CHECK(parse_notification("READY=1\nX=" + std::string(4087, 'x'), 0) == expected);
  CHECK(parse_notification("READY=1\nX=" + std::string(4086, 'x'), 0).ready);
  expected.problems = {"the message has a NUL in it"};
  CHECK(parse_notification("READY=1\n\0X=1"sv, 0) == expected);
}

TEST_CASE("sd_notify: STATUS is made fit for a terminal") {
  CHECK(parse_notification("STATUS=\x1b[31mred\x1b[0m", 0).status == "?[31mred?[0m");
  CHECK(parse_notification("STATUS=", 0).status == "");
  CHECK(parse_notification("STATUS=" + std::string(2000, 'x'), 0).status ==
        std::string(kNotificationStatusMax - 3, 'x') + "...");
}

TEST_CASE("printable text: one line of UTF-8 without control characters, cut between characters") {
  CHECK(printable_text("plain", 100) == "plain");
  CHECK(printable_text("  two words\r\n", 100) == "two words");
  CHECK(printable_text("a\tb\nc\x7f"
                       "d",
                       100) == "a?b?c?d");
  CHECK(printable_text("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 100) ==
        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(printable_text("\xc2\x9b"
                       "31m",
                       100) == "?31m");
  CHECK(printable_text("\xff\xfe", 100) == "??");
  CHECK(printable_text("\xc0\xaf", 100) == "??");
  CHECK(printable_text("\xe0\x80\x80", 100) == "???");
  CHECK(printable_text("\xed\xa0\x80", 100) == "???");
  CHECK(printable_text("\xf4\x90\x80\x80", 100) == "????");
  CHECK(printable_text("cut\xe2\x82", 100) == "cut??");
  CHECK(printable_text("12345678", 8) == "12345678");
  CHECK(printable_text("123456789", 8) == "12345...");
  CHECK(printable_text("123\xe2\x82\xac"
                       "6789",
                       8) == "123...");
  CHECK(printable_text("123456789", 2) == "..");
  CHECK(printable_text("   ", 8) == "");
}

}  // namespace
