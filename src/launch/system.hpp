// The system calls that the launcher makes. Each answers as the kernel does: a result, or a negative errno.
//
// The installed launcher is linked without any libc (LIVESWAP_FREESTANDING): what libc does before main()
// takes several times as long as all of the launcher's own work, above all on virtual machines, where each of
// its CPUID instructions traps. On processors whose system call instruction is not written down below, and in
// the build for tests, which follows the sanitizers, the same code stands on libc.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#ifndef LIVESWAP_FREESTANDING
#include <unistd.h>
#endif

static_assert(sizeof(long) == 8, "the launcher passes kernel structures as 64-bit machines lay them out");

namespace liveswap::launch::sys {

inline long call_raw(long number, long a, long b, long c, long d, long e, long f) {
#if !defined(LIVESWAP_FREESTANDING)
  const long result = ::syscall(number, a, b, c, d, e, f);
  return result == -1 ? -static_cast<long>(errno) : result;
#elif defined(__x86_64__)
  long result = number;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "no system call instruction is known for this processor: build without LIVESWAP_FREESTANDING"
#endif
}

template <class Argument>
long as_word(Argument argument) {
  if constexpr (std::is_pointer_v<Argument>)
    return reinterpret_cast<long>(argument);
  else
    return static_cast<long>(argument);
}

template <class... Arguments>
long call(long number, Arguments... arguments) {
  static_assert(sizeof...(arguments) <= 6);
  const long words[6] = {as_word(arguments)...};
  return call_raw(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

template <class... Arguments>
long call_uninterrupted(long number, Arguments... arguments) {
  for (;;) {
    const long result = call(number, arguments...);
    if (result != -EINTR) return result;
  }
}

[[noreturn]] inline void exit(int status) {
  for (;;) call(SYS_exit_group, status);
}

inline long write(int fd, const void* bytes, std::size_t size) {
  return call_uninterrupted(SYS_write, fd, bytes, size);
}
inline long close(int fd) { return call(SYS_close, fd); }
inline long open(const char* path, int flags) {
  return call_uninterrupted(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
}

// Pages of zeros; and the bytes of a file, to be read. The result is an address, and never given back: what
// the launcher maps ends with its exec.
inline long map_memory(std::size_t size) {
  return call(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
inline long map_file(int fd, std::size_t size) {
  return call(SYS_mmap, 0, size, PROT_READ, MAP_PRIVATE, fd, 0);
}

}  // namespace liveswap::launch::sys
