// What outlives a master as values: its plan and its releases.
#include "master/master_state.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "../os/helpers.hpp"

namespace liveswap::master {
namespace {

LastingState a_state() {
  LastingState state;
  state.plan.name = "web";
  state.plan.listeners.push_back({.name = "http", .addresses = {{.port = 80, .text = "tcp://:80"}}, .options = {}});
  state.plan.apps.push_back({.name = "web", .command = {"./server"}});
  ReleaseValues release;
  release.app = core::AppId{1};
  release.id = core::ReleaseId{3};
  release.plan = state.plan.apps[0];
  release.environment = {{"A", {"1", false}}};
  release.identity = wire::Identity{1, 2, {3}};
  state.releases.push_back(std::move(release));
  return state;
}

SavedState saved(const LastingState& state, std::uint32_t version = core::kArchiveVersion) {
  core::ArchiveWriter archive;
  archive(state);
  SavedState state_saved{.version = version};
  state_saved.lasting.assign(archive.bytes().begin(), archive.bytes().end());
  return state_saved;
}

TEST_CASE("plan and releases are read as they were written") {
  const LastingState written = a_state();
  const auto read = read_lasting(saved(written));
  REQUIRE(read);
  CHECK(read->plan == written.plan);
  REQUIRE(read->releases.size() == 1);
  CHECK(read->releases[0].id == core::ReleaseId{3});
  CHECK(read->releases[0].environment == written.releases[0].environment);
  CHECK(read->releases[0].identity == written.releases[0].identity);
}

TEST_CASE("a state of a later version is refused by its number, and half a state as well") {
  const auto later = read_lasting(saved(a_state(), core::kArchiveVersion + 1));
  REQUIRE_FALSE(later);
  CHECK(later.error().contains("it is of version"));
  SavedState half = saved(a_state());
  half.lasting.resize(half.lasting.size() / 2);
  CHECK(read_lasting(half).error() == "its plan cannot be understood");
}

TEST_CASE("a release's directory is the one that was pinned, or nothing more is started of it") {
  const os::test::TempDir folder;
  struct stat info {};
  REQUIRE(::stat(folder.path().c_str(), &info) == 0);
  ReleaseValues values = a_state().releases[0];
  values.directory_path = folder.path();
  values.digest.directory.device = info.st_dev;
  values.digest.directory.inode = info.st_ino;
  std::string problem;
  CHECK(restore_release(values, {}, problem)->directory.valid());
  CHECK(problem.empty());
  values.digest.directory.inode += 1;
  CHECK_FALSE(restore_release(values, {}, problem)->directory.valid());
  CHECK(problem == "web: nothing more can be started of r3: its directory " + folder.path() + " is another one by now");
}

}  // namespace
}  // namespace liveswap::master
