// The state grows with what is written to it, and the next master finds the newest.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "master/state_store.hpp"

namespace liveswap::master {
namespace {

std::vector<std::byte> bytes(std::size_t size, char value) {
  return std::vector<std::byte>(size, static_cast<std::byte>(value));
}

// A guardian's store.
struct Site {
  std::map<std::uint64_t, os::OwnedFd> kept;
  std::vector<std::string> problems;
  BootId boot = *own_boot_id();

  Keeper::Store store() {
    return {.keep = [this](const KeepKey& key, os::FdRef fd) { kept[key.owner] = *os::dup_cloexec(fd); },
            .drop = [this](const KeepKey& key) { kept.erase(key.owner); }};
  }
  StateStore::Problem problem() {
    return [this](std::string_view text) { problems.emplace_back(text); };
  }
  std::vector<KeptDescriptor> store_as_given() const {
    std::vector<KeptDescriptor> given;
    for (const auto& [number, fd] : kept) given.push_back({{KeepRole::state, 0, number}, *os::dup_cloexec(fd)});
    return given;
  }
  std::optional<os::Result<SavedState>> left() const { return read_left_state(store_as_given(), boot); }
};

TEST_CASE("a larger state takes the place of a smaller one, which is kept until then") {
  Site site;
  Keeper keeper(site.store());
  {
    StateStore store(keeper, site.boot, site.problem());
    const auto lasting = bytes(10, 'l');
    for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{1000000}}) {
      const auto passing = bytes(size, 'p');
      store.write({.lasting = lasting, .lasting_revision = 1, .passing = passing}, 7);
      CHECK(site.kept.size() == 1);
      const auto left = site.left();
      REQUIRE(left);
      REQUIRE(*left);
      CHECK((*left)->lasting == lasting);
      CHECK((*left)->passing == passing);
      CHECK((*left)->version == 7);
    }
  }
  CHECK(site.kept.empty());
  CHECK(site.problems.empty());
}

TEST_CASE("a journal of any length stays with its state") {
  Site site;
  Keeper keeper(site.store());
  StateStore store(keeper, site.boot, site.problem());
  store.append(bytes(3, 'x'));  // there is no state yet that it could belong to
  store.write({.lasting = {}, .lasting_revision = 1, .passing = {}}, 1);
  store.set_performed(5);
  for (int i = 0; i < 100; ++i) store.append(bytes(1000, static_cast<char>(i)));
  const auto left = site.left();
  REQUIRE(left);
  REQUIRE(*left);
  CHECK((*left)->performed == 5);
  REQUIRE((*left)->journal.size() == 100);
  CHECK((*left)->journal[99] == bytes(1000, 99));
}

TEST_CASE("the next master keeps what was left until it has written its own") {
  Site site;
  {
    Keeper keeper(site.store());
    StateStore store(keeper, site.boot, site.problem());
    store.write({.lasting = {}, .lasting_revision = 1, .passing = bytes(1, 'a')}, 1);
    keeper.replace({});  // it dies, and drops nothing
  }
  Keeper keeper(site.store());
  for (KeptDescriptor& kept : site.store_as_given()) keeper.inherit(kept.key, std::move(kept.fd));
  StateStore store(keeper, site.boot, site.problem());
  CHECK(site.kept.size() == 1);
  store.write({.lasting = {}, .lasting_revision = 1, .passing = bytes(1, 'b')}, 1);
  REQUIRE(site.kept.size() == 1);
  CHECK(site.kept.begin()->first == 2);
}

TEST_CASE("a state from before the machine was started is refused with that reason") {
  Site site;
  Keeper keeper(site.store());
  StateStore store(keeper, site.boot, site.problem());
  store.write({.lasting = {}, .lasting_revision = 1, .passing = {}}, 1);
  site.boot[0] = site.boot[0] == 'a' ? 'b' : 'a';
  const auto left = site.left();
  REQUIRE(left);
  REQUIRE_FALSE(*left);
  CHECK(left->error().message().find("before the machine was started") != std::string::npos);
}

}  // namespace
}  // namespace liveswap::master
