#include "os/descriptor_limit.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "helpers.hpp"

namespace liveswap::os {

using test::must;

TEST_CASE("the limit of descriptors is raised as far as it goes, and what it was is known") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 256;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  const DescriptorLimit told = must(raise_descriptor_limit());
  CHECK(told.soft == 256);
  CHECK(told.hard == before.rlim_max);
  rlimit after{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
  CHECK(after.rlim_cur == before.rlim_max);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("how many more descriptors can be opened is counted, and nothing of it stays") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(spare_descriptors(20) == 20);
  const int lowest = ::dup(0);
  REQUIRE(lowest >= 0);
  ::close(lowest);
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(lowest) + 5;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  const auto spare = spare_descriptors(20);
  const auto again = spare_descriptors(20);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(spare <= 5);
  CHECK(spare >= 1);
  CHECK(again == spare);
}

}  // namespace liveswap::os
