// The last items of a kind, bounded in number and in weight: what comes in pushes the oldest out.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

namespace liveswap::master {

template <class Item>
class BoundedMemory {
 public:
  static constexpr std::size_t kAnyWeight = static_cast<std::size_t>(-1);

  // `weigh`: an item's part of `weight_max`, the same each time that it is asked.
  using Weigh = std::size_t (*)(const Item&);
  explicit BoundedMemory(std::size_t items_max, std::size_t weight_max = kAnyWeight,
                         Weigh weigh = [](const Item&) { return std::size_t{0}; })
      : items_max_(items_max), weight_max_(weight_max), weigh_(weigh) {}

  void remember(const Item& item) {
    weight_ += weigh_(item);
    items_.push_back(item);
    while (items_.size() > items_max_ || weight_ > weight_max_) {
      weight_ -= weigh_(items_.front());
      items_.pop_front();
    }
  }

  // The last items that `wanted` picks, at most `max`, oldest first.
  template <class Wanted>
  [[nodiscard]] std::vector<Item> last(std::size_t max, Wanted wanted) const {
    std::vector<Item> found;
    for (auto item = items_.rbegin(); item != items_.rend() && found.size() < max; ++item) {
      if (wanted(*item)) found.push_back(*item);
    }
    return {found.rbegin(), found.rend()};
  }

 private:
  std::size_t items_max_;
  std::size_t weight_max_;
  Weigh weigh_;
  std::deque<Item> items_;
  std::size_t weight_ = 0;
};

}  // namespace liveswap::master
