#include "wire/bind_call.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace liveswap::wire::bind_call {
namespace {

liveswap_bind_request header_of(const Request& request) {
  if (const auto* listen = std::get_if<Listen>(&request)) {
    return {LIVESWAP_BIND_VERSION, LIVESWAP_BIND_CALL_LISTEN, listen->descriptor, listen->backlog};
  }
  return {LIVESWAP_BIND_VERSION, LIVESWAP_BIND_CALL_BIND, std::get<Bind>(request).descriptor, 0};
}

}  // namespace

std::expected<Request, FormatError> decode(std::span<const std::byte> packet, std::size_t descriptors) {
  liveswap_bind_request header{};
  if (packet.size() < sizeof header) return std::unexpected(FormatError{"the request is too short"});
  if (packet.size() > kRequestMax) return std::unexpected(FormatError{"the request is too long"});
  std::memcpy(&header, packet.data(), sizeof header);
  const auto address = packet.subspan(sizeof header);
  if (header.version != LIVESWAP_BIND_VERSION) return std::unexpected(FormatError{"the request is of another version"});
  if (descriptors != 1) return std::unexpected(FormatError{"a request comes with one socket"});
  if (header.descriptor < 0) return std::unexpected(FormatError{"the descriptor is negative"});
  switch (header.call) {
    case LIVESWAP_BIND_CALL_BIND:
      if (header.backlog != 0) return std::unexpected(FormatError{"a bind has no backlog"});
      return Bind{header.descriptor, address};
    case LIVESWAP_BIND_CALL_LISTEN:
      if (!address.empty()) return std::unexpected(FormatError{"a listen has no address"});
      return Listen{header.descriptor, header.backlog};
    default: return std::unexpected(FormatError{"the call is unknown"});
  }
}

std::vector<std::byte> encode(const Request& request) {
  const liveswap_bind_request header = header_of(request);
  const auto* bind = std::get_if<Bind>(&request);
  const auto address = bind != nullptr ? bind->address : std::span<const std::byte>();
  std::vector<std::byte> packet(sizeof header + address.size());
  std::memcpy(packet.data(), &header, sizeof header);
  std::ranges::copy(address, packet.begin() + sizeof header);
  return packet;
}

std::array<std::byte, kAnswerSize> encode(const Answer& answer) {
  const auto* done = std::get_if<Done>(&answer);
  const liveswap_bind_answer given{LIVESWAP_BIND_VERSION, done != nullptr ? done->error : LIVESWAP_BIND_GO_ON};
  std::array<std::byte, kAnswerSize> packet{};
  std::memcpy(packet.data(), &given, sizeof given);
  return packet;
}

std::expected<Answer, FormatError> decode_answer(std::span<const std::byte> packet) {
  liveswap_bind_answer given{};
  if (packet.size() != sizeof given) return std::unexpected(FormatError{"the answer has another size"});
  std::memcpy(&given, packet.data(), sizeof given);
  if (given.version != LIVESWAP_BIND_VERSION) return std::unexpected(FormatError{"the answer is of another version"});
  if (given.result == LIVESWAP_BIND_GO_ON) return GoOn{};
  if (given.result < 0) return std::unexpected(FormatError{"the result is no errno"});
  return Done{given.result};
}

}  // namespace liveswap::wire::bind_call
