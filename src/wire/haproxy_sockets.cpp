#include "wire/haproxy_sockets.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <utility>

namespace liveswap::wire::haproxy {
namespace {

constexpr std::string_view kRequest = "_getsocks\n";

std::string bytes_of(std::int32_t number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

std::string record_of(std::string_view interface) {
  constexpr std::size_t kNameMax = 15;  // IFNAMSIZ, less its zero; HAProxy reads the length as signed
  interface = interface.substr(0, kNameMax);
  std::string record(1, '\0');
  record += static_cast<char>(interface.size());
  record += interface;
  return record + bytes_of(0);
}

}  // namespace

std::expected<void, FormatError> Transfer::take(std::string_view bytes) {
  held_ += bytes;
  if (!asked_) {
    if (!held_.starts_with(kRequest.substr(0, held_.size()))) {
      return std::unexpected(FormatError{"asked for something else than _getsocks"});
    }
    if (held_.size() < kRequest.size()) return {};
    held_.erase(0, kRequest.size());
    asked_ = true;
  }
  for (; unanswered_ > 0 && held_.size() >= sizeof(std::int32_t); --unanswered_) held_.erase(0, sizeof(std::int32_t));
  if (unanswered_ == 0 && !held_.empty()) return std::unexpected(FormatError{"said what nobody waits for"});
  return {};
}

void Transfer::offer(std::vector<std::string> interfaces) {
  assert(asked());
  interfaces_ = std::move(interfaces);
  offered_ = true;
}

std::optional<Message> Transfer::next() {
  if (!offered_ || unanswered_ > 0) return std::nullopt;
  if (!std::exchange(counted_, true)) return Message{bytes_of(static_cast<std::int32_t>(interfaces_.size())), 0, 0};
  if (sent_ == interfaces_.size()) return std::nullopt;
  Message message{"", sent_, std::min(kBatchMax, interfaces_.size() - sent_)};
  for (std::size_t i = 0; i < message.count; ++i) message.bytes += record_of(interfaces_[sent_ + i]);
  sent_ += message.count;
  unanswered_ = 1;
  return message;
}

bool Transfer::is_over() const { return counted_ && sent_ == interfaces_.size() && unanswered_ == 0; }

}  // namespace liveswap::wire::haproxy
