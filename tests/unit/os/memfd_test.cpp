#include "os/memfd.hpp"

#include <sys/mman.h>

#include "helpers.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("a sealed memfd gives back its bytes, whatever its offset is") {
  const std::string content(300'000, 'x');
  const OwnedFd fd = must(make_sealed_memfd("plan", bytes(content)));
  CHECK(text(must(read_sealed_memfd(fd, content.size()))) == content);
  CHECK(text(must(read_sealed_memfd(fd, content.size()))) == content);
  CHECK(must(is_cloexec(fd)));
}

TEST_CASE("an empty memfd is read as nothing") {
  CHECK(must(read_sealed_memfd(must(make_sealed_memfd("empty", {})), 0)).empty());
}

TEST_CASE("a sealed memfd cannot be changed by its maker") {
  const OwnedFd fd = must(make_sealed_memfd("plan", bytes("abc")));
  CHECK(::pwrite(fd.get(), "z", 1, 0) == -1);
  CHECK(errno == EPERM);
  CHECK(::ftruncate(fd.get(), 0) == -1);
  CHECK(::ftruncate(fd.get(), 10) == -1);
}

TEST_CASE("a memfd that lacks a seal is refused") {
  const OwnedFd fd{adopt, ::memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);  // all but WRITE
  CHECK(error_of(read_sealed_memfd(fd, 10)) ==
        "memfd " + std::to_string(fd.get()) + " is not sealed: Operation not permitted");
}

TEST_CASE("what is no memfd is refused") {
  const Pair pipe = pipe_pair();
  CHECK(error_of(read_sealed_memfd(pipe.a, 10)) ==
        "fcntl F_GET_SEALS(" + std::to_string(pipe.a.get()) + "): Invalid argument");
}

TEST_CASE("a memfd over the size limit is refused") {
  const OwnedFd fd = must(make_sealed_memfd("plan", bytes("12345")));
  CHECK(error_of(read_sealed_memfd(fd, 4)) == "memfd of 5 bytes, at most 4: File too large");
}

}  // namespace liveswap::os
