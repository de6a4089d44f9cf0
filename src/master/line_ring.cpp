#include "master/line_ring.hpp"

#include <algorithm>
#include <iterator>

namespace liveswap::master {

void LineRing::add(OutputLine line) {
  line.number = ++last_number_;
  remember(line);
  followers_.tell(line);
}

void LineRing::remember(const OutputLine& line) {
  Lines& of_app = apps_[line.app];
  of_app.bytes += line.text.size();
  of_app.lines.push_back(line);
  while (of_app.lines.size() > kLinesMax || of_app.bytes > kBytesMax) {
    of_app.bytes -= of_app.lines.front().text.size();
    of_app.lines.pop_front();
  }
}

std::vector<OutputLine> LineRing::last(const std::string& app, std::size_t max) const {
  std::vector<OutputLine> found;
  for (const auto& [name, of_app] : apps_) {
    if (!app.empty() && name != app) continue;
    const auto count = static_cast<std::ptrdiff_t>(std::min(max, of_app.lines.size()));
    found.insert(found.end(), std::prev(of_app.lines.end(), count), of_app.lines.end());
  }
  std::ranges::sort(found, {}, &OutputLine::number);
  if (found.size() > max) found.erase(found.begin(), std::prev(found.end(), static_cast<std::ptrdiff_t>(max)));
  return found;
}

}  // namespace liveswap::master
