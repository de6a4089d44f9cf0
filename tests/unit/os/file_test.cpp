#include "os/file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <thread>

#include "helpers.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("a file is read whole up to its limit and not beyond") {
  const TempDir dir;
  std::ofstream(dir.path("f")) << std::string(20'000, 'a');
  CHECK(must(read_file(dir.path("f"), 20'000)) == std::string(20'000, 'a'));
  CHECK(error_of(read_file(dir.path("f"), 19'999)) ==
        "read(" + dir.path("f") + "), at most 19999 bytes: File too large");
  CHECK(error_of(read_file(dir.path("no"), 1)) == "open(" + dir.path("no") + "): No such file or directory");
}

TEST_CASE("a file of /proc is read although its size is said to be 0") {
  CHECK(!must(read_file("/proc/self/stat", 4096)).empty());
}

TEST_CASE("a named pipe that nobody writes to is refused, not waited for") {
  const TempDir dir;
  REQUIRE(::mkfifo(dir.path("pipe").c_str(), 0600) == 0);
  CHECK(error_of(read_file(dir.path("pipe"), 10)) == dir.path("pipe") + " is a named pipe");
}

TEST_CASE("writing needs a file that exists") {
  const TempDir dir;
  CHECK(error_of(write_existing_file(dir.path("f"), "x")) ==
        "open(" + dir.path("f") + "): No such file or directory");
  std::ofstream(dir.path("f")) << "";
  must(write_existing_file(dir.path("f"), "hello"));
  CHECK(must(read_file(dir.path("f"), 10)) == "hello");
}

TEST_CASE("everything is written, also to a socket that is full and does not block; else it is an error") {
  Pair pair = socket_pair(SOCK_STREAM);
  REQUIRE(set_nonblock(pair.a, true));
  const std::string sent(1'000'000, 'x');
  std::string got;
  std::thread reader([&got, end = FdRef(pair.b)] {
    std::array<char, 65536> block{};
    for (ssize_t size = 0; (size = ::read(end.get(), block.data(), block.size())) > 0;) {
      got.append(block.data(), static_cast<std::size_t>(size));
    }
  });
  const auto written = write_all(pair.a, "socket", sent);
  pair.a.reset();
  reader.join();
  CHECK(written);
  CHECK(got == sent);
  const OwnedFd full{adopt, ::open("/dev/full", O_WRONLY | O_CLOEXEC)};
  CHECK(write_all(full, "it", ""));
  CHECK(error_of(write_all(full, "it", "x")) == "write(it): No space left on device");
}

TEST_CASE("a directory is listed without its dots") {
  const TempDir dir;
  CHECK(must(list_directory(dir.path())).empty());
  std::ofstream(dir.path("a")) << "";
  std::ofstream(dir.path(".b")) << "";
  auto names = must(list_directory(dir.path()));
  std::ranges::sort(names);
  CHECK(names == std::vector<std::string>{".b", "a"});
  CHECK(error_of(list_directory(dir.path("a"))) == "opendir(" + dir.path("a") + "): Not a directory");
}

TEST_CASE("a link is read, what is no link is an error") {
  const TempDir dir;
  std::filesystem::create_symlink("somewhere/else", dir.path("link"));
  CHECK(must(read_link(dir.path("link"))) == "somewhere/else");
  CHECK(error_of(read_link(dir.path())) == "readlink(" + dir.path() + "): Invalid argument");
}

}  // namespace liveswap::os
