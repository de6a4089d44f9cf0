#include "master/line_ring.hpp"

#include <algorithm>
#include <iterator>

namespace liveswap::master {

void LineRing::add(OutputLine line) {
  line.number = ++last_number_;
  constexpr auto kBytes = [](const OutputLine& each) { return each.text.size(); };
  apps_.try_emplace(line.app, kLinesMax, kBytesMax, kBytes).first->second.remember(line);
  followers_.tell(line);
}

std::vector<OutputLine> LineRing::last(const std::string& app, std::size_t max) const {
  std::vector<OutputLine> found;
  for (const auto& [name, memory] : apps_) {
    if (!app.empty() && name != app) continue;
    const auto lines = memory.last(max, [](const OutputLine&) { return true; });
    found.insert(found.end(), lines.begin(), lines.end());
  }
  std::ranges::sort(found, {}, &OutputLine::number);
  if (found.size() > max) found.erase(found.begin(), std::prev(found.end(), static_cast<std::ptrdiff_t>(max)));
  return found;
}

}  // namespace liveswap::master
