// The lines that all workers wrote of late: what `liveswapctl logs` reads, and whom it follows. Owned by Output.
//
// Bounded in lines and in bytes, for each app by itself, so that a chatty app cannot push out what another said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "master/bounded_memory.hpp"
#include "master/facts.hpp"
#include "master/followers.hpp"

namespace liveswap::master {

class LineRing {
 public:
  static constexpr std::size_t kLinesMax = 10'000;         // of an app
  static constexpr std::size_t kBytesMax = std::size_t{1} << 20;  // of an app

  // Gives the line its number, remembers it, and tells the followers.
  void add(OutputLine line);

  // The last ones that are remembered, at most `max`, oldest first; an empty app is all.
  [[nodiscard]] std::vector<OutputLine> last(const std::string& app, std::size_t max) const;

  [[nodiscard]] Followers<OutputLine>& followers() { return followers_; }

 private:
  std::map<std::string, BoundedMemory<OutputLine>> apps_;
  Followers<OutputLine> followers_;
  std::uint64_t last_number_ = 0;
};

}  // namespace liveswap::master
