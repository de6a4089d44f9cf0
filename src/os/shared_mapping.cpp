#include "os/shared_mapping.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <utility>

namespace liveswap::os {

Result<SharedMapping> SharedMapping::map(FdRef file, std::size_t size) {
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) return fail("mmap");
  return SharedMapping({static_cast<std::byte*>(address), size});
}

Result<SharedMapping> SharedMapping::allocate(FdRef file, std::size_t size) {
  const auto allocate = [&] { return ::fallocate(file.get(), 0, 0, static_cast<off_t>(size)); };
  if (retry_interrupted(allocate) == 0) return map(file, size);
  if (errno != EOPNOTSUPP) return fail("fallocate");
  // By writing zeros, where the file system knows no other way.
  if (const int code = ::posix_fallocate(file.get(), 0, static_cast<off_t>(size)); code != 0) {
    return fail_with(code, "posix_fallocate");
  }
  return map(file, size);
}

Result<SharedMapping> SharedMapping::open(FdRef file, std::size_t size_max) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail("fstat");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return fail_with(0, "the file is empty");
  if (size > size_max) return fail_with(EFBIG, "mmap");
  return map(file, size);
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

SharedMapping::~SharedMapping() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace liveswap::os
