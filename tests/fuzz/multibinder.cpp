// What comes instead of multibinder's requests: every reply is one JSON object that a client can cut out again, and no
// more is held than a request may have. The first byte says how the pieces are cut.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "require.hpp"
#include "wire/multibinder.hpp"

namespace {

using namespace liveswap::wire;

std::string reply_to(std::string_view request) {
  const auto bind = multibinder::parse(request);
  if (!bind) return multibinder::refused(bind.error());
  require(!bind->backlog || *bind->backlog > 0, "a backlog is a length");
  return multibinder::bound(bind->id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] == 0 ? size : data[0];
  multibinder::Splitter splitter;
  std::string_view rest{reinterpret_cast<const char*>(data) + 1, size - 1};
  while (!rest.empty()) {
    splitter.feed(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
    for (;;) {
      const auto request = splitter.next();
      if (!request) return 0;
      if (!*request) break;
      require((*request)->size() <= multibinder::kRequestMax, "a request is short");
      const std::string reply = reply_to(**request);
      multibinder::Splitter client;
      client.feed(reply);
      const auto again = client.next();
      require(again && *again == reply, "a reply is one object");
      require(parse_json(reply).has_value(), "a reply is JSON");
    }
  }
  return 0;
}
