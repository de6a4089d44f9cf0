// Lines that wait to be written, whole and bounded. Pure; owned by a LineSink.
//
// When it is full, lines are dropped and counted until all of it has been written, so that a reader who is too slow
// gets long runs of lines and few notices. Where lines are missing stands "(liveswap: 123 lines dropped)".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace liveswap::master {

class LineQueue {
 public:
  explicit LineQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // `label` and `line` become one line; false: it was dropped.
  bool add(std::string_view label, std::string_view line);

  // What is to be written next; empty: nothing.
  [[nodiscard]] std::string_view bytes() const { return std::string_view(bytes_).substr(written_); }
  [[nodiscard]] bool empty() const { return written_ == bytes_.size(); }

  // That many of bytes() were written.
  void written(std::size_t count);

  // Nothing of this can be written: its lines count as dropped.
  void drop_all();

  // Where nothing else waits, the notice of what was dropped does, though no line comes behind it.
  void tell_dropped() {
    if (empty()) begin_with_notice();
  }

  // Lines that are missing without a notice in bytes().
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  void begin_with_notice();

  std::size_t bytes_max_;
  std::string bytes_;
  std::size_t written_ = 0;       // of bytes_, at its front
  std::uint64_t dropped_ = 0;     // lines; the notice waits until bytes_ is empty
  std::uint64_t announced_ = 0;   // lines, by a notice at the front of bytes_ …
  std::size_t notice_size_ = 0;   // … of that many bytes
  bool inside_line_ = false;      // the last byte that was written is no line break
};

}  // namespace liveswap::master
