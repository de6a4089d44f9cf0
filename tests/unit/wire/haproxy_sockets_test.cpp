// What HAProxy 2.6 says and hears when it fetches sockets, and what liars say.
#include "wire/haproxy_sockets.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace liveswap::wire::haproxy {
namespace {

using namespace std::string_literals;

std::string integer(std::int32_t number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

std::string_view reason(const std::expected<void, FormatError>& taken) {
  return taken ? "none" : taken.error().reason;
}

TEST_CASE("haproxy: one socket, as haproxy 2.6 takes it") {
  Transfer transfer;
  REQUIRE(transfer.take("_getsocks\n"));
  REQUIRE(transfer.asked());
  CHECK_FALSE(transfer.next());
  transfer.offer({""});
  CHECK_FALSE(transfer.asked());
  CHECK(transfer.next() == Message{integer(1), 0, 0});
  CHECK(transfer.next() == Message{"\0\0"s + integer(0), 0, 1});
  CHECK_FALSE(transfer.next());
  CHECK_FALSE(transfer.is_over());
  REQUIRE(transfer.take(integer(0)));
  CHECK(transfer.is_over());
}

TEST_CASE("haproxy: no sockets are a number and no more") {
  Transfer transfer;
  REQUIRE(transfer.take("_getsocks\n"));
  transfer.offer({});
  CHECK(transfer.next() == Message{integer(0), 0, 0});
  CHECK(transfer.is_over());
}

TEST_CASE("haproxy: each batch waits for the acknowledgement of the one before") {
  Transfer transfer;
  REQUIRE(transfer.take("_getsocks\n"));
  transfer.offer(std::vector<std::string>(kBatchMax + 1));
  CHECK(transfer.next() == Message{integer(kBatchMax + 1), 0, 0});
  const auto first = transfer.next();
  REQUIRE(first);
  CHECK(first->count == kBatchMax);
  CHECK(first->bytes.size() == kBatchMax * 6);
  CHECK_FALSE(transfer.next());
  REQUIRE(transfer.take(integer(0).substr(0, 3)));
  CHECK_FALSE(transfer.next());
  REQUIRE(transfer.take(integer(0).substr(3)));
  CHECK(transfer.next() == Message{"\0\0"s + integer(0), kBatchMax, 1});
  REQUIRE(transfer.take(integer(kBatchMax)));
  CHECK(transfer.is_over());
}

TEST_CASE("haproxy: a socket of one interface says which") {
  Transfer transfer;
  REQUIRE(transfer.take("_getsocks\n"));
  transfer.offer({"eth0"});
  REQUIRE(transfer.next());
  CHECK(transfer.next()->bytes == "\0\4eth0"s + integer(0));
}

TEST_CASE("haproxy: the request may come in pieces, and nothing else may") {
  Transfer transfer;
  REQUIRE(transfer.take("_get"));
  CHECK_FALSE(transfer.asked());
  REQUIRE(transfer.take("socks\n"));
  CHECK(transfer.asked());
  CHECK(reason(Transfer{}.take("show info\n")) == "asked for something else than _getsocks");
  CHECK(reason(Transfer{}.take("_getsocks\nx")) == "said what nobody waits for");
  Transfer early;
  REQUIRE(early.take("_getsocks\n"));
  early.offer({"", ""});
  REQUIRE(early.next());
  REQUIRE(early.next());
  CHECK(reason(early.take(integer(0) + integer(0))) == "said what nobody waits for");
}

}  // namespace
}  // namespace liveswap::wire::haproxy
