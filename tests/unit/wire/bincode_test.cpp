// Goal: values as Rust's bincode 1 reads them. Method: bytes written down from its definition.
#include "wire/bincode.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using liveswap::wire::Bincode;
using namespace std::string_literals;

TEST_CASE("bincode: numbers have their size, the lowest byte first") {
  CHECK(Bincode().number(std::uint8_t{1}).number(std::uint16_t{0x1f90}).take() == "\x01\x90\x1f"s);
  CHECK(Bincode().number(std::int32_t{3}).number(std::int32_t{-2}).take() == "\x03\0\0\0\xfe\xff\xff\xff"s);
}

TEST_CASE("bincode: lengths, cases and options") {
  CHECK(Bincode().text("ab").take() == "\x02\0\0\0\0\0\0\0ab"s);
  CHECK(Bincode().variant(4).some().none().take() == "\x04\0\0\0\x01\0"s);
  CHECK(Bincode().length(1).bytes("\x7f\0\0\x01"s).take() == "\x01\0\0\0\0\0\0\0\x7f\0\0\x01"s);
}

}  // namespace
