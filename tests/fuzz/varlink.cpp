// Varlink's framing: the first byte of an input says in what pieces the rest arrives, and the messages are
// the same in whatever pieces they come. Calls and replies that are taken are written as what they were.
#include "wire/varlink.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "require.hpp"

namespace {

using namespace liveswap::wire;
using namespace liveswap::wire::varlink;

constexpr std::size_t kMax = 4096;

// The messages, and "too long" at the end where there was one.
std::vector<std::string> split(std::string_view bytes, std::size_t piece) {
  Splitter splitter(kMax);
  std::vector<std::string> messages;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    if (!splitter.feed(bytes.substr(0, piece))) return messages;
    while (splitter.has_message()) {
      auto message = splitter.next();
      require(message.has_value(), "a message that is there can be had");
      require(message->size() <= kMax, "no message is too long");
      require(message->find('\0') == std::string::npos, "no message has a NUL");
      messages.push_back(std::move(*message));
    }
    require(!splitter.next().has_value(), "a message that is not there cannot be had");
    require(splitter.held() <= kMax, "what is held is no more than a message");
  }
  return messages;
}

void parse(const std::string& message) {
  if (const auto call = parse_call(message)) {
    std::string text = write_call(*call);
    text.pop_back();
    const auto again = parse_call(text);
    require(again && again->method == call->method && again->parameters == call->parameters &&
                again->more == call->more && again->oneway == call->oneway && again->upgrade == call->upgrade,
            "a call is written as it was");
  }
  if (const auto reply = parse_reply(message)) {
    std::string text = write_reply(*reply);
    text.pop_back();
    const auto again = parse_reply(text);
    require(again && again->error == reply->error && again->parameters == reply->parameters &&
                again->continues == reply->continues,
            "a reply is written as it was");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  const auto by_bytes = split(bytes, 1);
  const auto by_pieces = split(bytes, std::size_t{data[0]} + 1);
  const std::size_t both = std::min(by_bytes.size(), by_pieces.size());
  require(
      std::equal(by_bytes.begin(), by_bytes.begin() + static_cast<std::ptrdiff_t>(both), by_pieces.begin()),
      "messages do not depend on the pieces");
  for (const std::string& message : by_bytes) parse(message);
  return 0;
}
