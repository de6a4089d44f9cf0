// What uWSGI 2.0 reads from a zerg server.
#include "wire/uwsgi_zerg.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>

namespace liveswap::wire::uwsgi {

TEST_CASE("uwsgi: ten letters and a number") {
  const std::string bytes = offer(3);
  REQUIRE(bytes.size() == 14);
  CHECK(bytes.substr(0, 10) == "uwsgi-zerg");
  std::int32_t number = 0;
  std::memcpy(&number, bytes.data() + 10, sizeof number);
  CHECK(number == 3);
}

}  // namespace liveswap::wire::uwsgi
