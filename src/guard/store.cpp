#include "guard/store.hpp"

#include <unistd.h>

#include <algorithm>

namespace liveswap::guard {

std::vector<Store::Entry>::iterator Store::find(const wire::guard::Key& key) {
  return std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.key == key; });
}

void Store::keep(const wire::guard::Key& key, int fd) {
  drop(key);
  entries_.push_back({key, fd});
}

void Store::drop(const wire::guard::Key& key) {
  const auto entry = find(key);
  if (entry == entries_.end()) return;
  ::close(entry->fd);
  *entry = entries_.back();
  entries_.pop_back();
}

}  // namespace liveswap::guard
