// A bounded memory of things that happened, with followers: behind `events`.
//
// Owned by whoever makes the things; not thread-safe. Items are numbered from 1 and the oldest are forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "master/bounded_memory.hpp"
#include "master/followers.hpp"

namespace liveswap::master {

template <class Item>
class Feed {
 public:
  explicit Feed(std::size_t items_max) : memory_(items_max) {}

  // Numbers the item, remembers it and hands it to everyone who follows.
  void add(Item& item) {
    item.number = ++last_number_;
    memory_.remember(item);
    followers_.tell(item);
  }

  // For a master that goes on where another has ended: what followers have seen is not numbered again.
  [[nodiscard]] std::uint64_t last_number() const { return last_number_; }
  void go_on_from(std::uint64_t last) { last_number_ = last; }

  // The last items that `wanted` picks, at most `max`, oldest first.
  template <class Wanted>
  std::vector<Item> last(std::size_t max, Wanted wanted) const {
    return memory_.last(max, wanted);
  }

  [[nodiscard]] Followers<Item>& followers() { return followers_; }

 private:
  BoundedMemory<Item> memory_;
  std::uint64_t last_number_ = 0;
  Followers<Item> followers_;
};

}  // namespace liveswap::master
