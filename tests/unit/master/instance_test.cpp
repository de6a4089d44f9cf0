#include "master/instance.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

using namespace liveswap;

namespace {

struct Folder {
  std::string path = "/tmp/liveswap-test-XXXXXX";
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
};

core::MasterPlan plan_in(const std::string& runtime_dir) {
  core::MasterPlan plan;
  plan.name = "web";
  plan.runtime_dir = runtime_dir;
  return plan;
}

config::Surroundings ours() { return {.uid = ::geteuid(), .env = {}}; }

}  // namespace

TEST_CASE("the first master of a name gets it, the second is told the first one's pid") {
  const Folder folder;
  const auto first = master::claim_instance(plan_in(folder.path + "/run"), ours());
  REQUIRE(first);
  CHECK(first->control_socket == folder.path + "/run/control.sock");
  const auto second = master::claim_instance(plan_in(folder.path + "/run"), ours());
  REQUIRE_FALSE(second);
  CHECK(second.error() == "a master called \"web\" is running already: PID " + std::to_string(::getpid()) + " (" +
                              folder.path + "/run/lock is locked)");
}

TEST_CASE("a control socket elsewhere is linked to from its default place, for as long as the master runs") {
  const Folder folder;
  core::MasterPlan plan = plan_in(folder.path + "/run");
  const std::string link = folder.path + "/run/control.sock";
  const auto claim_elsewhere = [&](const std::string& name) {
    plan.control.socket = folder.path + name;
    auto instance = master::claim_instance(plan, ours());
    REQUIRE(instance);
    return std::move(*instance);
  };
  {
    const auto instance = claim_elsewhere("/elsewhere.sock");
    CHECK(std::filesystem::read_symlink(link) == folder.path + "/elsewhere.sock");
  }
  CHECK_FALSE(std::filesystem::is_symlink(link));
  std::filesystem::create_symlink("/nowhere", link);  // as a master that was killed leaves it
  { const auto instance = claim_elsewhere("/other.sock"); }
  std::filesystem::create_symlink("/nowhere", link);
  const auto instance = claim_elsewhere("/run/../run/control.sock");  // its default place, spelt otherwise
  CHECK_FALSE(std::filesystem::is_symlink(link));
}

TEST_CASE("a name is free again when its master has gone") {
  const Folder folder;
  (void)master::claim_instance(plan_in(folder.path + "/run"), ours());
  CHECK(master::claim_instance(plan_in(folder.path + "/run"), ours()));
}

TEST_CASE("a runtime directory that others may write is refused") {
  const Folder folder;
  const std::string path = folder.path + "/run";
  REQUIRE(::mkdir(path.c_str(), 0700) == 0);
  REQUIRE(::chmod(path.c_str(), 0777) == 0);
  const auto claimed = master::claim_instance(plan_in(path), ours());
  REQUIRE_FALSE(claimed);
  CHECK(claimed.error().starts_with("runtime_dir: "));
  CHECK(claimed.error().find(path) != std::string::npos);
}
