// Descriptor numbers kept for spawn(). A child gets a copy of our table of descriptors up to the highest number that it
// needs; a master of many workers has hundreds above, and copying and closing them is most of what a spawn costs then.
// So what a child needs is put at low numbers, which have to be taken while they are free.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

class SpawnNumbers {
 public:
  // Takes `count` numbers, the lowest free ones above `above`. They are open on what `filler` is, whenever no spawn is
  // under way.
  [[nodiscard]] static Result<SpawnNumbers> reserve(std::size_t count, int above, FdRef filler);

  // Puts a duplicate at the next number. None is left: no value, and nothing has happened.
  [[nodiscard]] Result<std::optional<FdRef>> put(FdRef fd);
  void clear();  // all that was put

 private:
  OwnedFd filler_;
  std::vector<OwnedFd> numbers_;
  std::size_t used_ = 0;
};

}  // namespace liveswap::os
