// The channel's decoder. The first byte of an input chooses the receiver, the second how many descriptors
// came; the rest is the packet. Whatever is accepted can be sent again, and means the same then.
#include "wire/channel.hpp"

#include <vector>

#include "require.hpp"

namespace {

namespace channel = liveswap::wire::channel;

void check(std::span<const std::byte> packet, std::size_t descriptors, channel::End receiver) {
  const auto message = channel::decode(packet, descriptors, receiver);
  if (!message) {
    require(!message.error().reason.empty(), "a refusal has a reason");
    return;
  }
  require(!channel::name(*message).empty(), "a message has a name");
  std::vector<std::byte> again(channel::kPacketMax);
  const auto size = channel::encode(*message, descriptors, again);
  if (std::holds_alternative<channel::Unknown>(*message)) {
    require(!size, "an unknown message is not sent");
    return;
  }
  require(size.has_value(), "what was accepted can be sent");
  require(*size <= packet.size(), "what is sent is no longer than what came");
  const auto twice = channel::decode(std::span{again}.first(*size), descriptors, receiver);
  require(twice && *twice == *message, "what is sent again means the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto packet = std::as_bytes(std::span{data, size}).subspan(2);
  check(packet, data[1] % (channel::kDescriptorsMax + 1), static_cast<channel::End>(data[0] % 3));
  return 0;
}
