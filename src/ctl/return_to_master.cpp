#include "ctl/return_to_master.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "core/text.hpp"

namespace liveswap::ctl {

namespace {

using namespace std::chrono_literals;

// A guardian has the next master up within a tenth of a second; a person takes longer.
constexpr auto kWaitFirst = 20ms;
constexpr auto kWaitMost = 500ms;
// Whose time was almost over when the connection broke still learns what his answer was.
constexpr auto kAwayLeast = 1s;
constexpr auto kRemovedMost = 2s;

}  // namespace

bool ReturnToMaster::lost(const NoReply& none) {
  if (since_) return false;
  since_ = Clock::now();
  how_ = none;
  wait_ = kWaitFirst;
  return true;
}

void ReturnToMaster::is_back() { since_.reset(); }

ReturnToMaster::Clock::time_point ReturnToMaster::deadline() const {
  return until_ ? std::max(*until_, *since_ + kAwayLeast) : *since_ + kAwayMost;
}

// A master that dies leaves the file, and one that ends removes it. For as long as another one may be just about to be
// started, that says nothing.
void ReturnToMaster::look_for_file(const os::Result<void>& connected) {
  if (connected || connected.error().code != ENOENT) {
    removed_.reset();
  } else if (!removed_) {
    removed_ = Clock::now();
  }
}

// It rests first, also where the last attempt seemed to succeed: whoever accepts and hangs up is asked no faster.
std::expected<void, NoReply> ReturnToMaster::come_back() {
  removed_.reset();
  for (;;) {
    const auto left = deadline() - Clock::now();
    const bool ended = removed_ && Clock::now() - *removed_ >= kRemovedMost;
    if (ended || left <= Clock::duration{}) {
      const std::string tried = core::text_of(std::chrono::round<std::chrono::seconds>(away()));
      std::string text = how_.text + (ended ? ", and has ended" : ", and it did not come back within " + tried);
      return std::unexpected(NoReply{NoReply::Why::gone, std::move(text)});
    }
    auto rested = (*session_.client())->rest(std::min(wait_, left));
    if (!rested) return rested;
    wait_ = std::min<Clock::duration>(2 * wait_, kWaitMost);
    const auto connected = session_.reconnect();
    if (connected) return {};
    look_for_file(connected);
  }
}

}  // namespace liveswap::ctl
