#include "master/handshakes.hpp"

#include <cstddef>
#include <utility>

namespace liveswap::master {
namespace {

constexpr std::chrono::seconds kPatience{8};  // three times the server has said SYN+ACK again: after 1, 3 and 7 seconds
constexpr std::size_t kPendingMax = 4096;     // more are a flood

bool is_pending(const os::TcpEnds& ends) {
  const auto found = os::find_tcp_socket(ends.local, ends.remote);
  return found && found->shakes_hands;
}

}  // namespace

void Handshakes::note(const os::SocketAddress& listener) {
  auto handshakes = os::list_handshakes(listener);
  if (!handshakes) return;
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (os::TcpEnds& ends : *handshakes) {
    if (pending_.size() >= kPendingMax) return;
    pending_.push_back({std::move(ends), until});
  }
}

bool Handshakes::any_left() {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(pending_, [now](const Pending& one) { return now >= one.until || !is_pending(one.ends); });
  return !pending_.empty();
}

}  // namespace liveswap::master
