// The last lines of one worker, kept so that whoever is told of its death is told its last words too. Owned by the
// worker's part in workers.hpp; bounded in lines and in bytes, for each stream by itself, so that a chatty standard
// output cannot push out what standard error said.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace liveswap::master {

class LineTail {
 public:
  static constexpr std::size_t kLinesMax = 50;
  static constexpr std::size_t kBytesMax = 16384;

  void add(bool is_stderr, std::string_view line);

  // Of standard error, oldest first; of standard output where nothing was written to standard error.
  [[nodiscard]] std::vector<std::string> last_lines(std::size_t max = kLinesMax) const;

 private:
  struct Stream {
    std::deque<std::string> lines;
    std::size_t bytes = 0;
    void add(std::string_view line);
  };
  Stream out_;
  Stream err_;
};

}  // namespace liveswap::master
