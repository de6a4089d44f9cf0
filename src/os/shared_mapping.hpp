// A file's bytes in memory, shared: what is stored in them is in the file at once, whatever becomes of the process.
// Its room is allocated when it is made, so that storing never meets a full disk.
#pragma once

#include <cstddef>
#include <span>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

class SharedMapping {
 public:
  // Makes the file that large, with its room, and maps it; borrows the descriptor, which is not needed any more
  // afterwards. What the file had stays; what is added is 0.
  [[nodiscard]] static Result<SharedMapping> allocate(FdRef file, std::size_t size);
  // As it is; an error where it is empty, or larger than `size_max`. Nobody may make the file shorter meanwhile.
  [[nodiscard]] static Result<SharedMapping> open(FdRef file, std::size_t size_max);

  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&& other) noexcept;
  ~SharedMapping();

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  explicit SharedMapping(std::span<std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] static Result<SharedMapping> map(FdRef file, std::size_t size);

  std::span<std::byte> bytes_;
};

}  // namespace liveswap::os
