// Cuts a stream of bytes into lines, whatever the pieces in which they arrive. Pure; one for each stream of a worker.
//
// A line is handed on without its line break and without a carriage return before it; all other bytes are kept as
// they were written. A line longer than kLineMax is handed on in parts, each but the last ending in kCutMark, so that
// a program which never writes a line break cannot fill the memory.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace liveswap::master {

inline constexpr std::size_t kLineMax = 8192;  // bytes; far above what people read as one line
inline constexpr std::string_view kCutMark = "…";

class LineSplitter {
 public:
  using TakeLine = std::function<void(std::string_view line)>;

  // Hands on every line that is whole now; what is left waits for the next call.
  void feed(std::string_view bytes, const TakeLine& take);

  // The stream has ended: hands on a last line without a line break.
  void finish(const TakeLine& take);

 private:
  void cut_long_line(const TakeLine& take);

  std::string rest_;
};

}  // namespace liveswap::master
