#include "os/spawn_numbers.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace liveswap::os {

Result<SpawnNumbers> SpawnNumbers::reserve(std::size_t count, int above, FdRef filler) {
  SpawnNumbers reserved;
  auto own = dup_cloexec(filler, above + 1);
  if (!own) return std::unexpected(own.error());
  reserved.filler_ = std::move(*own);
  while (reserved.numbers_.size() < count) {
    auto number = dup_cloexec(filler, above + 1);
    if (!number) return std::unexpected(number.error());
    reserved.numbers_.push_back(std::move(*number));
  }
  return reserved;
}

Result<std::optional<FdRef>> SpawnNumbers::put(FdRef fd) {
  if (used_ == numbers_.size()) return std::optional<FdRef>{};
  const FdRef number{numbers_[used_]};
  if (::dup3(fd.get(), number.get(), O_CLOEXEC) == -1) return fail("dup3", fd.get());
  ++used_;
  return std::optional<FdRef>{number};
}

void SpawnNumbers::clear() {
  for (; used_ > 0; --used_) ::dup3(filler_.get(), numbers_[used_ - 1].get(), O_CLOEXEC);  // cannot fail: both are ours
}

}  // namespace liveswap::os
