// Lines of a stranger: every cut of a stream gives the same lines, and what is too long is passed over and told.
#include "wire/line_reader.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace liveswap::wire;
using Lines = std::vector<std::string>;

Lines read(const std::vector<std::string>& pieces, std::size_t max = 8) {
  LineReader reader(max);
  Lines lines;
  for (const std::string& piece : pieces) {
    reader.feed(piece, [&](std::optional<std::string_view> line) {
      lines.push_back(line ? std::string(*line) : "(too long)");
    });
  }
  return lines;
}

TEST_CASE("lines: the same for every cut of the stream") {
  const std::string stream = "one\n\ntwo\n123456789\n12345678\nrest";
  const Lines expected{"one", "", "two", "(too long)", "12345678"};
  CHECK(read({stream}) == expected);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    CHECK(read({stream.substr(0, cut), stream.substr(cut)}) == expected);
  }
  std::vector<std::string> bytes;
  for (const char byte : stream) bytes.emplace_back(1, byte);
  CHECK(read(bytes) == expected);
}

TEST_CASE("lines: what is begun and not ended is known, also when it is passed over") {
  LineReader reader(4);
  const auto ignore = [](std::optional<std::string_view>) {};
  CHECK_FALSE(reader.has_part());
  reader.feed("ab", ignore);
  CHECK(reader.has_part());
  reader.feed("cdef", ignore);
  CHECK(reader.has_part());
  reader.feed("\n", ignore);
  CHECK_FALSE(reader.has_part());
}

}  // namespace
