#include "core/text.hpp"

#include <doctest/doctest.h>
#include <signal.h>

using namespace liveswap::core;
using namespace std::chrono_literals;

TEST_CASE("a duration reads as its two largest units") {
  CHECK(text_of(Duration(0s)) == "0s");
  CHECK(text_of(Duration(250ms)) == "250ms");
  CHECK(text_of(Duration(90s)) == "1m30s");
  CHECK(text_of(Duration(1h + 5min + 3s)) == "1h5m");
  CHECK(text_of(Duration(48h)) == "48h");
  CHECK(text_of(Duration(5)) == "5us");
  CHECK(text_of(kForever) == "infinity");
}

TEST_CASE("an exit reads as its status or its signal") {
  CHECK(text_of(ExitStatus{false, 3, false}) == "exit status 3");
  CHECK(text_of(ExitStatus{true, SIGSEGV, true}) == "killed by SIGSEGV (core dumped)");
  CHECK(text_of(ExitStatus{true, 99, false}) == "killed by signal 99");
}

TEST_CASE("generations and releases read as g3 and r7") {
  CHECK(text_of(GenerationId{3}) == "g3");
  CHECK(text_of(ReleaseId{7}) == "r7");
}
