// Classic BPF: programs for sockets' filters, and how they are attached.
#pragma once

#include <linux/filter.h>
#include <sys/socket.h>

#include <cstdint>
#include <span>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os::bpf {

constexpr sock_filter statement(unsigned code, std::uint32_t operand) {
  return {static_cast<std::uint16_t>(code), 0, 0, operand};
}

// `test`: BPF_JEQ, BPF_JGE, …
constexpr sock_filter jump(unsigned test, std::uint32_t operand, std::uint8_t then_skip, std::uint8_t else_skip) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), then_skip, else_skip, operand};
}

// `option` is one of SOL_SOCKET, `text` its name.
[[nodiscard]] inline Result<void> attach(FdRef socket, int option, const char* text,
                                         std::span<const sock_filter> program) {
  const sock_fprog given{static_cast<unsigned short>(program.size()),
                         const_cast<sock_filter*>(program.data())};  // NOLINT: the kernel only reads it
  if (::setsockopt(socket.get(), SOL_SOCKET, option, &given, sizeof given) == -1) {
    return fail(std::string("setsockopt ") + text, socket.get());
  }
  return {};
}

}  // namespace liveswap::os::bpf
