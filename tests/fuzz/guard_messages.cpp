// The decoder of the guardian's packets. The first byte of an input chooses the receiver and how many descriptors came;
// the rest is the packet, filled up with zeros to the size that all have unless the byte says otherwise. Whatever is
// accepted can be sent again, and means the same then.
#include "wire/guard_messages.hpp"

#include <algorithm>
#include <array>

#include "require.hpp"

namespace {

namespace guard = liveswap::wire::guard;

void check(std::span<const std::byte> packet, std::size_t descriptors, guard::End receiver) {
  const auto message = guard::decode(packet, descriptors, receiver);
  if (!message) {
    require(!message.error().reason.empty(), "a refusal has a reason");
    return;
  }
  require(!guard::name(*message).empty(), "a message has a name");
  std::array<std::byte, guard::kPacketSize> again{};
  const auto written = guard::encode(*message, descriptors, again);
  if (std::holds_alternative<guard::Unknown>(*message)) {
    require(!written, "an unknown message is not sent");
    return;
  }
  require(written.has_value(), "what was accepted can be sent");
  const auto twice = guard::decode(again, descriptors, receiver);
  require(twice && *twice == *message, "what is sent again means the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto input = std::as_bytes(std::span{data, size}).subspan(1);
  const auto receiver = static_cast<guard::End>(data[0] & 1);
  const std::size_t descriptors = (data[0] >> 1) & 3;
  if ((data[0] & 8) != 0) {
    check(input, descriptors, receiver);
    return 0;
  }
  std::array<std::byte, guard::kPacketSize> packet{};
  std::copy_n(input.begin(), std::min(input.size(), packet.size()), packet.begin());
  check(packet, descriptors, receiver);
  return 0;
}
