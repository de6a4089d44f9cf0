// The installed launcher's own start, and the functions of memory that the compiler calls by name: it is
// linked without libc (system.hpp says why). These loops are plain on purpose; the plan's texts are a few
// kilobytes.
#include <cstddef>

#include "launch/launch.hpp"
#include "launch/system.hpp"

extern "C" {

[[noreturn]] void liveswap_launch_start();
void* memcpy(void* to, const void* from, std::size_t size);
void* memmove(void* to, const void* from, std::size_t size);
void* memset(void* to, int value, std::size_t size);
int memcmp(const void* left, const void* right, std::size_t size);
void* memchr(const void* bytes, int value, std::size_t size);
std::size_t strlen(const char* text);
[[noreturn]] void abort();

void liveswap_launch_start() { liveswap::launch::sys::exit(liveswap::launch::run()); }

void abort() { __builtin_trap(); }

void* memcpy(void* to, const void* from, std::size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  for (std::size_t i = 0; i < size; ++i) out[i] = in[i];
  return to;
}

void* memmove(void* to, const void* from, std::size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  if (out <= in) return memcpy(to, from, size);
  for (std::size_t i = size; i-- > 0;) out[i] = in[i];
  return to;
}

void* memset(void* to, int value, std::size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(value);
  return to;
}

int memcmp(const void* left, const void* right, std::size_t size) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

void* memchr(const void* bytes, int value, std::size_t size) {
  const auto* in = static_cast<const unsigned char*>(bytes);
  for (std::size_t i = 0; i < size; ++i) {
    if (in[i] == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(in + i);
  }
  return nullptr;
}

std::size_t strlen(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

}  // extern "C"

// The kernel starts a program with the stack pointer at its arguments, which the launcher does not look at,
// and with nothing else that a C++ function may rely on but its alignment.
#if defined(__x86_64__)
asm(".globl _start\n"
    "_start:\n"
    "  xorl %ebp, %ebp\n"
    "  andq $-16, %rsp\n"
    "  call liveswap_launch_start\n"
    "  hlt\n");
#elif defined(__aarch64__)
asm(".globl _start\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  bl liveswap_launch_start\n"
    "  brk #0\n");
#endif
