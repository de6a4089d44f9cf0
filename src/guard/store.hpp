// What the guardian keeps for its master: descriptors under keys that mean nothing here.
#pragma once

#include <cstddef>
#include <vector>

#include "wire/guard_messages.hpp"

namespace liveswap::guard {

class Store {
 public:
  struct Entry {
    wire::guard::Key key;
    int fd = -1;  // owned
  };

  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Owns the descriptor from now on; what was there under this key is closed.
  void keep(const wire::guard::Key& key, int fd);
  void drop(const wire::guard::Key& key);

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  [[nodiscard]] std::vector<Entry>::iterator find(const wire::guard::Key& key);

  std::vector<Entry> entries_;
};

}  // namespace liveswap::guard
