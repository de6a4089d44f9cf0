// Goal: lines are dropped whole and counted exactly, whatever fails. Method: a queue without a reader.
#include "master/line_queue.hpp"

#include <doctest/doctest.h>

#include <string>

namespace liveswap::master {
namespace {

std::string take(LineQueue& queue, std::size_t count = 1'000'000) {
  std::string bytes(queue.bytes().substr(0, count));
  queue.written(bytes.size());
  return bytes;
}

}  // namespace

TEST_CASE("lines are queued in order behind their labels") {
  LineQueue queue(100);
  CHECK(queue.empty());
  CHECK(queue.add("web/0 g1 | ", "a"));
  CHECK(queue.add("", "b"));
  CHECK(take(queue, 3) == "web");
  CHECK(take(queue) == "/0 g1 | a\nb\n");
  CHECK(queue.empty());
}

TEST_CASE("a full queue drops whole lines until it is empty, and says how many") {
  LineQueue queue(8);
  CHECK(queue.add("", "aaa"));
  CHECK(queue.add("", "bbb"));
  CHECK_FALSE(queue.add("", "ccc"));
  CHECK(take(queue, 4) == "aaa\n");
  CHECK_FALSE(queue.add("", "d"));  // there is room, but c is missing before it
  CHECK(take(queue) == "bbb\n");
  CHECK(take(queue) == "(liveswap: 2 lines dropped)\n");
  CHECK(queue.empty());
  CHECK(queue.add("", "e"));
  CHECK(take(queue) == "e\n");
}

TEST_CASE("one dropped line is one line") {
  LineQueue queue(4);
  CHECK_FALSE(queue.add("", "aaaa"));
  queue.add("", "");
  CHECK(take(queue) == "(liveswap: 1 line dropped)\n");
}

TEST_CASE("what cannot be written counts as dropped, and a notice that was not written is given again") {
  LineQueue queue(100);
  queue.add("", "a");
  queue.add("", "b");
  queue.drop_all();
  CHECK(queue.empty());
  queue.add("", "c");
  CHECK(queue.bytes() == "(liveswap: 2 lines dropped)\nc\n");
  queue.drop_all();
  queue.add("", "d");
  CHECK(queue.bytes() == "(liveswap: 3 lines dropped)\nd\n");
  CHECK(take(queue, 28) == "(liveswap: 3 lines dropped)\n");
  queue.drop_all();
  queue.add("", "e");
  CHECK(take(queue) == "(liveswap: 1 line dropped)\ne\n");
}

TEST_CASE("what was dropped can be told without a line behind it") {
  LineQueue queue(100);
  queue.tell_dropped();
  CHECK(queue.empty());
  queue.add("", "a");
  queue.drop_all();
  CHECK(queue.dropped() == 1);
  queue.tell_dropped();
  queue.tell_dropped();
  CHECK(queue.dropped() == 0);
  CHECK(take(queue) == "(liveswap: 1 line dropped)\n");
  CHECK(queue.empty());
}

TEST_CASE("after a line that was cut short the notice begins a new one") {
  LineQueue queue(100);
  queue.add("", "hello");
  CHECK(take(queue, 2) == "he");
  queue.drop_all();
  queue.add("", "next");
  CHECK(take(queue) == "\n(liveswap: 1 line dropped)\nnext\n");
}

}  // namespace liveswap::master
