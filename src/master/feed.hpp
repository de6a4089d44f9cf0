// A bounded memory of things that happened, with followers: behind `events` and `logs`.
//
// Owned by whoever makes the things; not thread-safe. Items are numbered from 1 and the oldest are forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "master/followers.hpp"

namespace liveswap::master {

template <class Item>
class Feed {
 public:
  explicit Feed(std::size_t items_max) : items_max_(items_max) {}

  // Numbers the item, remembers it and hands it to everyone who follows.
  void add(Item& item) {
    item.number = ++last_number_;
    items_.push_back(item);
    if (items_.size() > items_max_) items_.pop_front();
    followers_.tell(item);
  }

  // The last items that `wanted` picks, at most `max`, oldest first.
  template <class Wanted>
  std::vector<Item> last(std::size_t max, Wanted wanted) const {
    std::vector<Item> found;
    for (auto item = items_.rbegin(); item != items_.rend() && found.size() < max; ++item) {
      if (wanted(*item)) found.push_back(*item);
    }
    return {found.rbegin(), found.rend()};
  }

  [[nodiscard]] Followers<Item>& followers() { return followers_; }

 private:
  std::size_t items_max_;
  std::deque<Item> items_;
  std::uint64_t last_number_ = 0;
  Followers<Item> followers_;
};

}  // namespace liveswap::master
