// What is kept is named when it begins and when it ends, and what was left is taken once.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "master/keeper.hpp"
#include "os/pipe.hpp"

namespace liveswap::master {
namespace {

KeepKey pidfd_of(std::uint64_t worker) { return {KeepRole::worker_pidfd, 0, worker}; }

struct Site {
  std::vector<std::string> said;
  Keeper keeper{{.keep = [this](const KeepKey& key, os::FdRef) { said.push_back("keep " + std::to_string(key.owner)); },
                 .drop = [this](const KeepKey& key) { said.push_back("drop " + std::to_string(key.owner)); }}};
  os::OwnedFd fd = std::move(os::open_pipe()->read);
};

TEST_CASE("a copy is kept for as long as its Kept lives") {
  Site site;
  {
    const Kept kept = site.keeper.keep(pidfd_of(1), site.fd);
    Kept other = site.keeper.keep(pidfd_of(2), site.fd);
    Kept moved = std::move(other);
    moved.drop();
    CHECK(site.said == std::vector<std::string>{"keep 1", "keep 2"});  // the state may still have it
    site.keeper.settle();
    CHECK(site.said == std::vector<std::string>{"keep 1", "keep 2", "drop 2"});
    std::vector<std::string> others;
    site.keeper.replace({.keep = [&](const KeepKey& key, os::FdRef) { others.push_back(std::to_string(key.owner)); },
                         .drop = [this_site = &site](const KeepKey&) { this_site->said.emplace_back("drop 1"); }});
    CHECK(others == std::vector<std::string>{"1"});
  }
  site.keeper.settle();
  CHECK(site.said.back() == "drop 1");
  CHECK(site.said.size() == 4);
}

TEST_CASE("what was left is taken once, and the rest is dropped") {
  Site site;
  for (const std::uint64_t worker : {1U, 2U}) site.keeper.inherit(pidfd_of(worker), *os::dup_cloexec(site.fd));
  CHECK(site.keeper.has_left(pidfd_of(1)));
  CHECK(site.keeper.left_of(KeepRole::worker_pidfd) == std::vector{pidfd_of(1), pidfd_of(2)});
  CHECK(site.keeper.left_of(KeepRole::lock).empty());
  CHECK_FALSE(site.keeper.take(pidfd_of(3)));
  {
    const auto taken = site.keeper.take(pidfd_of(1));
    REQUIRE(taken);
    CHECK(taken->fd.valid());
    CHECK_FALSE(site.keeper.take(pidfd_of(1)));
    CHECK(site.said.empty());  // it is kept already
    CHECK(site.keeper.drop_rest() == std::vector{pidfd_of(2)});
  }
  site.keeper.settle();
  CHECK(site.said == std::vector<std::string>{"drop 2", "drop 1"});
}

TEST_CASE("what is no worker's is dropped at once; each change is told") {
  Site site;
  int changes = 0;
  site.keeper.on_change([&] { ++changes; });
  Kept socket = site.keeper.keep({KeepRole::listener_socket, 0, 7}, site.fd);
  CHECK(changes == 1);
  socket.drop();
  CHECK(changes == 2);
  CHECK(site.said == std::vector<std::string>{"keep 7", "drop 7"});
}

TEST_CASE("without a store nothing happens") {
  Keeper keeper;
  const os::OwnedFd fd = std::move(os::open_pipe()->read);
  { const Kept kept = keeper.keep(pidfd_of(1), fd); }
  CHECK_FALSE(keeper.take(pidfd_of(1)));
}

}  // namespace
}  // namespace liveswap::master
