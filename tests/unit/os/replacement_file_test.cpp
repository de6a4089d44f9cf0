// Goal: a reader of the path finds the old content or the new one, and nothing is left beside it.
#include "os/replacement_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers.hpp"
#include "os/file.hpp"

using namespace liveswap::os;
using namespace liveswap::os::test;

namespace {

using Names = std::vector<std::string>;

Names names_in(const TempDir& directory) { return must(list_directory(directory.path(""))); }

}  // namespace

TEST_CASE("a replacement takes the old one's place and its permissions, and nothing is left beside it") {
  const TempDir directory;
  const std::string path = directory.path("HEAD");
  REQUIRE(must(ReplacementFile::create(path)).put("/srv/a\n"));
  CHECK(must(read_file(path, 100)) == "/srv/a\n");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  auto file = must(ReplacementFile::create(path));
  CHECK(must(read_file(path, 100)) == "/srv/a\n");
  REQUIRE(file.put("/srv/b\n"));
  CHECK(must(read_file(path, 100)) == "/srv/b\n");
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 07777) == 0640);
  CHECK(names_in(directory) == Names{"HEAD"});
}

TEST_CASE("one that is not put in place leaves nothing") {
  const TempDir directory;
  { const auto file = must(ReplacementFile::create(directory.path("HEAD"))); }
  CHECK(names_in(directory).empty());
}

TEST_CASE("what cannot be replaced is told when it is made") {
  const TempDir directory;
  CHECK(ReplacementFile::create(directory.path("")).error().message() ==
        "replace(" + directory.path("") + "): Is a directory");
  CHECK(ReplacementFile::create(directory.path("none/HEAD")).error().message() ==
        "open(" + directory.path("none") + "): No such file or directory");
}
