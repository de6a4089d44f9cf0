// What comes instead of liveswap-bind.so's requests: one that is taken is written again as it came, and of an answer
// the same. The first byte says how many descriptors come with it.
#include <algorithm>
#include <cstdint>
#include <span>

#include "require.hpp"
#include "wire/bind_call.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liveswap::wire;
  if (size == 0) return 0;
  const auto packet = std::as_bytes(std::span(data, size)).subspan(1);
  if (const auto request = bind_call::decode(packet, data[0])) {
    require(data[0] == 1, "a request has one descriptor");
    require(std::ranges::equal(bind_call::encode(*request), packet), "a request is written as it came");
  }
  if (const auto answer = bind_call::decode_answer(packet)) {
    require(std::ranges::equal(bind_call::encode(*answer), packet), "an answer is written as it came");
  }
  return 0;
}
