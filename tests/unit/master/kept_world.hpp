// What the tests of a second master share: a guardian of their own, which keeps duplicates, and a Keeper that finds
// them there.
#pragma once

#include <map>
#include <tuple>

#include "../os/sockets.hpp"
#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "master/keeper.hpp"

namespace liveswap::master::test {

class Kept {
 public:
  [[nodiscard]] Keeper::Store store() {
    return {.keep = [this](const KeepKey& key, os::FdRef fd) {
              kept_.insert_or_assign(order(key), std::pair(key, os::test::must(os::dup_cloexec(fd))));
            },
            .drop = [this](const KeepKey& key) { kept_.erase(order(key)); }};
  }
  void leave_to(Keeper& next) {
    for (const auto& [place, kept] : kept_) next.inherit(kept.first, os::test::must(os::dup_cloexec(kept.second)));
    next.replace(store());
  }
  void lose(KeepRole role) {
    std::erase_if(kept_, [&](const auto& kept) { return kept.second.first.role == role; });
  }
  [[nodiscard]] std::size_t size() const { return kept_.size(); }

 private:
  using Order = std::tuple<std::uint32_t, std::uint64_t, std::uint32_t>;
  [[nodiscard]] static Order order(const KeepKey& key) {
    return {static_cast<std::uint32_t>(key.role), key.owner, key.index};
  }
  std::map<Order, std::pair<KeepKey, os::OwnedFd>> kept_;
};

// As the next master reads it.
template <class State>
State reread(const State& state) {
  core::ArchiveWriter writer;
  writer(state);
  core::ArchiveReader reader(writer.bytes(), core::kArchiveVersion);
  State read;
  reader(read);
  REQUIRE_FALSE(reader.failed());
  REQUIRE(reader.at_end());
  return read;
}

}  // namespace liveswap::master::test
