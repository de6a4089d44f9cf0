// The program that the kernel runs at each system call of the worker, and of all that it starts: bind, listen and a few
// others wait for the master's answer, every other call goes its way.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "os/trapped_calls.hpp"
#include "wire/launch_plan.hpp"

namespace liveswap::launch {

class FilterProgram {
 public:
  explicit FilterProgram(const wire::Filter& filter);

  [[nodiscard]] const sock_filter* instructions() const { return instructions_.data(); }
  [[nodiscard]] std::uint16_t size() const { return static_cast<std::uint16_t>(size_); }
  [[nodiscard]] bool traps_anything() const { return block_ != 0; }  // no: a processor that the table does not know

 private:
  void begin_block(std::uint32_t arch);
  void end_block();
  void add_call(const os::TrappedNumber& row, std::uint32_t verdict);
  void add(const sock_filter& instruction);

  // x86_64 and i386 with all calls of the table are 47.
  static constexpr std::size_t kInstructionsMax = 64;
  std::array<sock_filter, kInstructionsMax> instructions_;
  std::size_t size_ = 0;
  std::size_t block_ = 0;  // where the last one begins; 0: there is none
};

}  // namespace liveswap::launch
