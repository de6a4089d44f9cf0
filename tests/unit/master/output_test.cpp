// Goal: workers' lines come out whole, labelled and in order, and a reader who does not read stops nothing. Method:
// real pipes on a real loop, read by the test.
#include "master/output.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loop/deferred.hpp"
#include "loop/timer.hpp"
#include "master/output_pipe.hpp"
#include "pipe.hpp"

namespace liveswap::master {
namespace {

using namespace std::chrono_literals;

using test::Pipe;
using test::read_now;

void write_all(os::FdRef fd, std::string_view bytes) {
  REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

LineSource source(std::string app, core::Slot slot, bool is_stderr = false) {
  return {std::move(app), slot, core::GenerationId{3}, is_stderr};
}

// Runs the loop until the condition holds; fails after ten seconds, which no passing test needs.
template <class Condition>
void run_until(loop::Loop& loop, Condition condition) {
  bool late = false;
  loop::Timer limit(loop, [&] {
    late = true;
    loop.stop();
  });
  limit.start_after(10s);
  std::unique_ptr<loop::Timer> look;
  look = std::make_unique<loop::Timer>(loop, [&] {
    if (condition()) return loop.stop();
    look->start_after(200us);
  });
  look->start_after(0us);
  loop.run();
  REQUIRE_FALSE(late);
}

struct Written {
  loop::Loop loop;
  Pipe out;
  Pipe err;
  std::unique_ptr<Output> output = std::make_unique<Output>(loop, out.write, err.write);
};

}  // namespace

TEST_CASE("lines carry app, slot and generation, and keep their stream") {
  Written written;
  written.output->add(source("web", 2), "hello");
  written.output->add(source("web", 0, true), "oops");
  written.output->add_own("liveswap: ready");
  written.output->flush();
  CHECK(read_now(written.out.read) == "web/2 g3 | hello\n");
  CHECK(read_now(written.err.read) == "web/0 g3 | oops\nliveswap: ready\n");
}

TEST_CASE("the master's own lines of one turn of the loop are written together, without being asked for") {
  Written written;
  written.output->add_own("liveswap: one");
  written.output->add_own("liveswap: two");
  CHECK(read_now(written.err.read).empty());
  std::string text;
  run_until(written.loop, [&] {
    text += read_now(written.err.read);
    return !text.empty();
  });
  CHECK(text == "liveswap: one\nliveswap: two\n");
}

TEST_CASE("what the master said last is written before it goes") {
  Written written;
  written.output->add_own("liveswap: gone");
  written.output.reset();
  CHECK(read_now(written.err.read) == "liveswap: gone\n");
}

TEST_CASE("what was written is remembered with its origin") {
  Written written;
  written.output->add(source("web", 2, true), "hello");
  written.output->add_own("liveswap: ready");
  const auto lines = written.output->last("", 10);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].app == "web");
  CHECK(lines[0].slot == 2);
  CHECK(lines[0].generation == core::GenerationId{3});
  CHECK(lines[0].is_stderr);
  CHECK(lines[0].text == "hello");
  CHECK(lines[1].app.empty());
  CHECK(lines[1].number == 2);
}

TEST_CASE("lines of two workers that write pieces by turns are not mixed") {
  Written written;
  std::vector<PipeEnds> ends;
  std::vector<std::unique_ptr<OutputPipe>> pipes;
  for (core::Slot slot = 0; slot < 2; ++slot) {
    ends.push_back(make_output_pipe(::geteuid()).value());
    OutputPipe::Handlers handlers{[&, slot](std::string_view line) { written.output->add(source("web", slot), line); },
                                  [&] { written.output->flush(); }};
    pipes.push_back(OutputPipe::open(written.loop, std::move(ends.back().ours), std::move(handlers)).value());
  }
  std::string all;
  const auto until = [&](std::string_view expected) {
    run_until(written.loop, [&] { return (all += read_now(written.out.read)) == expected; });
  };
  write_all(ends[0].theirs, "on");
  write_all(ends[1].theirs, "tw");
  write_all(ends[0].theirs, "e\nthr");
  until("web/0 g3 | one\n");
  write_all(ends[1].theirs, "o\n");
  until("web/0 g3 | one\nweb/1 g3 | two\n");
  pipes[0]->finish();  // its worker has ended in the middle of a line
  until("web/0 g3 | one\nweb/1 g3 | two\nweb/0 g3 | thr\n");
}

TEST_CASE("what is in the pipe when a worker has ended is read at once") {
  Written written;
  PipeEnds ends = make_output_pipe(::geteuid()).value();
  std::vector<std::string> lines;
  const auto pipe = OutputPipe::open(written.loop, std::move(ends.ours),
                                     {[&](std::string_view line) { lines.emplace_back(line); }, [] {}})
                        .value();
  write_all(ends.theirs, "dying\nlast words");
  pipe->finish();
  CHECK(lines == std::vector<std::string>{"dying", "last words"});
}

TEST_CASE("a worker's end of its pipe has a reader even when the master is gone") {
  PipeEnds ends = make_output_pipe(::geteuid()).value();
  ends.ours.reset();
  const auto before = ::signal(SIGPIPE, SIG_DFL);
  write_all(ends.theirs, "hello\n");
  ::signal(SIGPIPE, before);
}

TEST_CASE("a pipe ends when the last writer has gone, and is not looked at again") {
  loop::Loop loop;
  PipeEnds ends = make_output_pipe(::geteuid()).value();
  int reads = 0;
  const auto pipe =
      OutputPipe::open(loop, std::move(ends.ours), {[](std::string_view) {}, [&] { ++reads; }}).value();
  ends.theirs.reset();
  run_until(loop, [&] { return reads > 0; });
  bool passed = false;
  loop::Timer later(loop, [&] { passed = true; });
  later.start_after(3ms);
  run_until(loop, [&] { return passed; });
  CHECK(reads == 1);
}

TEST_CASE("a reader who reads nothing loses whole lines, counted, and gets the rest when he reads again") {
  Written written;
  const std::string text(1000, 'x');
  for (int i = 0; i < 3000; ++i) written.output->add(source("web", 1), text);
  written.output->flush();
  std::string all;
  run_until(written.loop, [&] {
    all += read_now(written.out.read);
    return all.find(" lines dropped)\n") != std::string::npos;
  });
  const std::string line = "web/1 g3 | " + text + "\n";
  const std::size_t notice = all.find("(liveswap: ");
  const std::size_t whole = notice / line.size();
  CHECK(notice % line.size() == 0);
  CHECK(whole > LineSink::kQueueMax / line.size());
  CHECK(all.substr(notice) == "(liveswap: " + std::to_string(3000 - whole) + " lines dropped)\n");
  written.output->add(source("web", 1), "again");
  written.output->flush();
  CHECK(read_now(written.out.read) == "web/1 g3 | again\n");
}

TEST_CASE("an unread standard output costs an idle loop nothing once it is read") {
  Written written;
  written.output->add(source("web", 1), std::string(200'000, 'x'));
  written.output->flush();
  std::size_t size = 0;
  run_until(written.loop, [&] { return (size += read_now(written.out.read).size()) == 200'000 + 12; });
  CHECK(read_now(written.out.read).empty());
}

TEST_CASE("a closed standard output drops lines and does not stop the others") {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  Written written;
  written.out.read.reset();
  written.output->add(source("web", 1), "nobody hears");
  written.output->add(source("web", 1, true), "somebody hears");
  written.output->flush();
  CHECK(read_now(written.err.read) == "web/1 g3 | somebody hears\n");
  ::signal(SIGPIPE, before);
}

TEST_CASE("standard output and error that are one pipe share one queue") {
  loop::Loop loop;
  Pipe pipe;
  const os::OwnedFd second = os::dup_cloexec(pipe.write).value();
  Output output(loop, pipe.write, second);
  const std::string text(100'000, 'x');
  output.add(source("web", 0, false), text);
  output.flush();  // the pipe is full, in the middle of the line
  output.add(source("web", 0, true), "oops");
  output.flush();
  std::string all;
  run_until(loop, [&] { return (all += read_now(pipe.read)).ends_with("oops\n"); });
  CHECK(all == "web/0 g3 | " + text + "\nweb/0 g3 | oops\n");
}

TEST_CASE("finishing waits for a slow reader, but not for one who never reads") {
  Written written;
  written.output->add(source("web", 0), std::string(100'000, 'x'));
  const auto before = written.loop.now();
  std::uint64_t lost = 0;
  written.output->finish(20ms, [&](std::uint64_t lines) { lost = lines; });
  CHECK(written.loop.now() - before >= 20ms);
  CHECK(read_now(written.out.read).size() < 100'000);
  CHECK(lost == 1);
}

TEST_CASE("finishing gives a reader who reads all that there is, and tells nobody") {
  Written written;
  written.output->add(source("web", 0), std::string(50'000, 'x'));
  written.output->finish(10s, [](std::uint64_t) { FAIL("nothing is lost"); });
  CHECK(read_now(written.out.read).ends_with("x\n"));
}

TEST_CASE("what a full disk swallowed is told at the next flush, without a further line, or else at the end") {
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  rlimit sizes{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &sizes) == 0);
  const rlimit none{0, sizes.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);
  loop::Loop loop;
  Pipe err;
  const os::OwnedFd file{os::adopt, ::memfd_create("output", MFD_CLOEXEC)};
  Output output(loop, file, err.write);
  output.add(source("web", 0), "a");
  output.add(source("web", 0), "b");
  output.flush();
  std::string told;
  const auto tell = [&](std::uint64_t lines) { told += std::to_string(lines); };
  output.finish(10s, tell);
  CHECK(told == "2");
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &sizes) == 0);  // there is room again
  ::signal(SIGXFSZ, before);
  output.flush();
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  CHECK(read_now(file) == "(liveswap: 2 lines dropped)\n");
  output.finish(10s, tell);
  CHECK(told == "2");
}

}  // namespace liveswap::master
