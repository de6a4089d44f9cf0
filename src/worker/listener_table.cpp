#include <cstdlib>
#include <cstring>

#include "worker/worker_state.hpp"

namespace liveswap::worker {

bool ListenerTable::add(std::string_view name, int fd) {
  if (count_ == room_) {
    const std::size_t room = room_ == 0 ? 8 : room_ * 2;
    auto* rows = static_cast<NamedListener*>(std::realloc(rows_, room * sizeof(NamedListener)));
    if (rows == nullptr) return false;
    rows_ = rows;
    room_ = room;
  }
  char* copy = ::strndup(name.data(), name.size());
  if (copy == nullptr) return false;
  rows_[count_++] = NamedListener{fd, copy};
  return true;
}

void ListenerTable::free_all() {
  for (std::size_t i = 0; i < count_; ++i) std::free(rows_[i].name);
  std::free(rows_);
}

}  // namespace liveswap::worker
