#include "os/memfd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "os/file.hpp"

namespace liveswap::os {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
constexpr unsigned kNoexecSeal = 0x0008U;  // MFD_NOEXEC_SEAL, Linux 6.3; vm.memfd_noexec=2 demands it

int create(const char* name) {
  const int fd = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | kNoexecSeal);
  if (fd != -1 || errno != EINVAL) return fd;
  return ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<OwnedFd> make_memfd(const char* name) {
  OwnedFd fd{adopt, create(name)};
  if (!fd) return fail("memfd_create", name);
  return fd;
}

Result<OwnedFd> make_sealed_memfd(const char* name, std::span<const std::byte> content) {
  auto made = make_memfd(name);
  if (!made) return made;
  OwnedFd& fd = *made;
  if (auto written = write_all(fd, "memfd", as_text(content)); !written) return std::unexpected(written.error());
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) == -1) return fail("fcntl F_ADD_SEALS", name);
  return made;
}

Result<OwnedFd> make_input_memfd(const char* name, std::string_view content) {
  auto fd = make_sealed_memfd(name, std::as_bytes(std::span(content)));
  if (fd && ::lseek(fd->get(), 0, SEEK_SET) == -1) return fail("lseek", name);
  return fd;
}

Result<std::vector<std::byte>> read_sealed_memfd(FdRef fd, std::size_t max_size) {
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals == -1) return fail("fcntl F_GET_SEALS", fd.get());
  if ((seals & kSeals) != kSeals)
    return fail_with(EPERM, "memfd " + std::to_string(fd.get()) + " is not sealed");
  struct stat info {};
  if (::fstat(fd.get(), &info) == -1) return fail("fstat", fd.get());
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > max_size) {
    return fail_with(EFBIG,
                     "memfd of " + std::to_string(size) + " bytes, at most " + std::to_string(max_size));
  }

  std::vector<std::byte> content(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = retry_interrupted(
        [&] { return ::pread(fd.get(), content.data() + done, size - done, static_cast<off_t>(done)); });
    if (got == -1) return fail("pread", fd.get());
    if (got == 0) return fail_with(EIO, "memfd ends early");  // cannot be: it is sealed against shrinking
    done += static_cast<std::size_t>(got);
  }
  return content;
}

}  // namespace liveswap::os
