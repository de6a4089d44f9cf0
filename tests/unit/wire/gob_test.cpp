// Goal: names as Go reads them. Method: what Go's own encoder writes for the same values, byte by byte.
#include "wire/gob.hpp"

#include <doctest/doctest.h>

namespace {

using liveswap::wire::gob_of_names;
using Names = std::vector<std::vector<std::string>>;

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    for (const int digit : {(c >> 4) & 15, c & 15}) text += "0123456789abcdef"[digit];
  }
  return text;
}

// gob.NewEncoder(&b).Encode([][]string{…}), of Go 1.19.
const std::string kTypes = "0dff83020102ff840001ff820000" "0cff81020102ff8200010c0000";

TEST_CASE("gob: a list of names is what Go's encoder writes") {
  CHECK(hex(gob_of_names(Names{{"listener", "tcp", "127.0.0.1:80"}, {"packet", "udp", ":53"}})) ==
        kTypes + "2fff84000203086c697374656e6572037463700c3132372e302e302e313a383003067061636b657403756470033a3533");
  CHECK(hex(gob_of_names({})) == kTypes + "04ff840000");
}

TEST_CASE("gob: lengths above 127 have a byte count before them") {
  const std::string long_text(300, 'x');
  const std::string bytes = gob_of_names(Names{{long_text}});
  // The message is 2 + 1 + 1 + 1 + 3 + 300 bytes, and the text 300.
  CHECK(hex(bytes.substr(27, 11)) == "fe0134" "ff8400" "01" "01" "fe012c");
  CHECK(bytes.size() == 27 + 3 + 308);
}

}  // namespace
