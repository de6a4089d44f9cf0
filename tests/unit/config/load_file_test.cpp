// Files that cannot be read, and facts of the machine that the tests run on.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "helpers.hpp"

using namespace liveswap::config;

namespace {

class Folder {
 public:
  Folder() {
    char path[] = "/tmp/liveswap-config-XXXXXX";
    REQUIRE(mkdtemp(path));
    path_ = path;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string told_of_file(const std::string& path) {
  auto loaded = load_file(path, test_facts());
  return loaded ? "good" : render(loaded.error());
}

}  // namespace

TEST_CASE("a file is read, named as it was given") {
  Folder folder;
  auto path = folder / "shop.yaml";
  std::ofstream(path) << "apps: {web: {command: ./s}}\n";
  auto loaded = load_file(path, test_facts());
  REQUIRE(loaded);
  CHECK(loaded->plan.name == "shop");
  CHECK(loaded->plan.file == path);
  CHECK(loaded->text == "apps: {web: {command: ./s}}\n");
  std::ofstream(path) << "name: [\n";
  CHECK(told_of_file(path).starts_with(path + ":1:7: "));
}

TEST_CASE("what cannot be read says why") {
  Folder folder;
  CHECK(told_of_file(folder / "none.yaml") == folder / "none.yaml" + ": No such file or directory\n");
  CHECK(told_of_file("/tmp") == "/tmp: is a directory\n");
  auto fifo = folder / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(told_of_file(fifo) == fifo + ": is not a regular file\n");
  auto loop = folder / "loop";
  REQUIRE(symlink(loop.c_str(), loop.c_str()) == 0);
  CHECK(told_of_file(loop) == loop + ": Too many levels of symbolic links\n");
  auto large = folder / "large.yaml";
  std::ofstream(large) << std::string((1 << 20) + 1, '#');
  CHECK(told_of_file(large) == large + ": is larger than 1048576 bytes\n");
}

TEST_CASE("the machine's own facts") {
  auto facts = facts_without_accounts();
  CHECK(facts.uid == geteuid());
  REQUIRE_FALSE(facts.groups.empty());
  CHECK(facts.groups[0] == getegid());
  CHECK(facts.processors >= 1);
  CHECK(facts.somaxconn >= 1);
  CHECK(facts.working_directory == std::filesystem::current_path());
  CHECK(facts.kind_of("/") == PathKind::directory);
  CHECK(facts.kind_of("/bin/sh") == PathKind::executable);
  CHECK(facts.kind_of("/dev/null") == PathKind::other);
  CHECK(facts.kind_of("/no/such/file") == PathKind::missing);
}
