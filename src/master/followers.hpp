// Whoever wants to be told of items as they come. Not thread-safe.
//
// A follower is told every item from its start on, until unfollow(). Handlers are called in the order in which they
// began; one may end itself or others, begin new ones (which get the next item), or cause further items.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace liveswap::master {

template <class Item>
class Followers {
 public:
  using Handler = std::function<void(const Item&)>;
  using Id = std::uint64_t;

  [[nodiscard]] Id follow(Handler handler) {
    handlers_.emplace(++last_id_, std::move(handler));
    return last_id_;
  }
  void unfollow(Id id) { handlers_.erase(id); }

  void tell(const Item& item) const {
    const Id newest = last_id_;
    for (auto next = handlers_.begin(); next != handlers_.end() && next->first <= newest;) {
      const Id id = next->first;  // not the iterator: a handler may change the table
      const Handler handler = next->second;  // which may unfollow itself
      handler(item);
      next = handlers_.upper_bound(id);
    }
  }

 private:
  std::map<Id, Handler> handlers_;
  Id last_id_ = 0;
};

}  // namespace liveswap::master
