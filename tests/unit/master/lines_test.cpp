// Goal: what workers write comes out as whole lines, unchanged and bounded. Method: bytes in pieces of every size.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "master/line_ring.hpp"
#include "master/line_splitter.hpp"
#include "master/line_tail.hpp"

namespace liveswap::master {
namespace {

using Lines = std::vector<std::string>;

Lines split(std::string_view bytes, std::size_t piece) {
  Lines lines;
  LineSplitter splitter;
  const auto take = [&](std::string_view line) { lines.emplace_back(line); };
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    splitter.feed(bytes.substr(0, piece), take);
  }
  splitter.finish(take);
  return lines;
}

OutputLine line_of(std::string app, std::string text) {
  OutputLine line;
  line.app = std::move(app);
  line.text = std::move(text);
  return line;
}

Lines texts(const std::vector<OutputLine>& lines) {
  Lines found;
  for (const OutputLine& line : lines) found.push_back(std::to_string(line.number) + " " + line.app + " " + line.text);
  return found;
}

}  // namespace

TEST_CASE("lines come out whole whatever the pieces in which they came") {
  using namespace std::string_view_literals;
  const std::string_view bytes = "one\n\ntwo\r\nth\rree\nfo\0ur\x1b[1m\nlast"sv;
  const Lines expected{"one", "", "two", "th\rree", std::string("fo\0ur\x1b[1m"sv), "last"};
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    CAPTURE(piece);
    CHECK(split(bytes, piece) == expected);
  }
}

TEST_CASE("output that ends in a line break has no further empty line") {
  CHECK(split("one\n", 100) == Lines{"one"});
  CHECK(split("", 1).empty());
}

TEST_CASE("a line of exactly the longest length is not cut") {
  const std::string longest(kLineMax, 'x');
  CHECK(split(longest + "\n", 1000) == Lines{longest});
  CHECK(split(longest + "\n", 100000) == Lines{longest});
}

TEST_CASE("a longer line is cut into parts that are marked") {
  const std::string part(kLineMax, 'x');
  const Lines expected{part + "…", part + "…", "xyz", "next"};
  for (const std::size_t piece : {1UL, 4096UL, 8191UL, 8192UL, 8193UL, 100000UL}) {
    CAPTURE(piece);
    CHECK(split(part + part + "xyz\nnext\n", piece) == expected);
  }
}

TEST_CASE("a long line is not cut in the middle of a character") {
  const std::string before(kLineMax - 1, 'x');
  CHECK(split(before + "äb\n", 4096) == Lines{before + "…", "äb"});
  const std::string no_text(kLineMax + 1, '\x80');  // not UTF-8 at all: cut anywhere
  CHECK(split(no_text + "\n", 4096) == Lines{no_text.substr(1) + "…", "\x80"});
}

TEST_CASE("the tail keeps the last lines of standard error") {
  LineTail tail;
  CHECK(tail.last_lines().empty());
  tail.add(false, "listening");
  CHECK(tail.last_lines() == Lines{"listening"});
  for (int i = 1; i <= 60; ++i) tail.add(true, "error " + std::to_string(i));
  for (int i = 1; i <= 60; ++i) tail.add(false, "chatter");
  CHECK(tail.last_lines().size() == LineTail::kLinesMax);
  CHECK(tail.last_lines().front() == "error 11");
  CHECK(tail.last_lines(2) == Lines{"error 59", "error 60"});
}

TEST_CASE("the tail is bounded in bytes and keeps at least the last line") {
  LineTail tail;
  const std::string big(LineTail::kBytesMax / 2, 'x');
  tail.add(true, "first");
  tail.add(true, big);
  CHECK(tail.last_lines() == Lines{"first", big});
  tail.add(true, big);
  CHECK(tail.last_lines() == Lines{big, big});
  const std::string huge(LineTail::kBytesMax + 1, 'y');
  tail.add(true, huge);
  CHECK(tail.last_lines() == Lines{huge});
}

TEST_CASE("the ring numbers lines over all apps and gives the last of one or all") {
  LineRing ring;
  ring.add(line_of("web", "a"));
  ring.add(line_of("job", "b"));
  ring.add(line_of("web", "c"));
  CHECK(texts(ring.last("", 10)) == Lines{"1 web a", "2 job b", "3 web c"});
  CHECK(texts(ring.last("", 2)) == Lines{"2 job b", "3 web c"});
  CHECK(texts(ring.last("web", 10)) == Lines{"1 web a", "3 web c"});
  CHECK(texts(ring.last("web", 1)) == Lines{"3 web c"});
  CHECK(texts(ring.last("none", 10)).empty());
}

TEST_CASE("a chatty app forgets its own lines only") {
  LineRing ring;
  ring.add(line_of("job", "kept"));
  for (std::size_t i = 0; i <= LineRing::kLinesMax; ++i) ring.add(line_of("web", "x"));
  CHECK(ring.last("web", 1'000'000).size() == LineRing::kLinesMax);
  CHECK(ring.last("web", 1'000'000).front().number == 3);
  CHECK(texts(ring.last("job", 10)) == Lines{"1 job kept"});
}

TEST_CASE("the ring is bounded in bytes") {
  LineRing ring;
  const std::string text(LineRing::kBytesMax / 4, 'x');
  for (int i = 0; i < 5; ++i) ring.add(line_of("web", text));
  CHECK(ring.last("web", 100).size() == 4);
  CHECK(ring.last("web", 100).front().number == 2);
}

TEST_CASE("followers are told every line from their start on, and may change who follows") {
  LineRing ring;
  auto& followers = ring.followers();
  Lines heard;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  ring.add(line_of("web", "before"));
  first = followers.follow([&](const OutputLine& line) {
    heard.push_back("first " + line.text);
    followers.unfollow(first);
    followers.unfollow(second);
    (void)followers.follow([&](const OutputLine& later) { heard.push_back("third " + later.text); });
  });
  second = followers.follow([&](const OutputLine& line) { heard.push_back("second " + line.text); });
  ring.add(line_of("web", "a"));
  ring.add(line_of("web", "b"));
  CHECK(heard == Lines{"first a", "third b"});
}

}  // namespace liveswap::master
