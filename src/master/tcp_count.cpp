#include "master/tcp_count.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace liveswap::master {
namespace {

std::vector<std::pair<int, std::uint16_t>> lists_of(const std::vector<os::SocketAddress>& listeners) {
  std::vector<std::pair<int, std::uint16_t>> lists;
  for (const os::SocketAddress& listener : listeners) {
    const std::pair list(listener.family(), listener.port());
    const bool is_inet = list.first == AF_INET || list.first == AF_INET6;
    if (is_inet && std::ranges::find(lists, list) == lists.end()) lists.push_back(list);
  }
  return lists;
}

}  // namespace

os::Result<bool> TcpCount::step(const Found& found) {
  if (!begun_) begin();
  if (named_.empty() && missing_.empty()) return true;
  if (!sockets_) {
    auto sockets = os::TcpSockets::open();
    if (!sockets) return std::unexpected(sockets.error());
    sockets_ = std::move(*sockets);
  }
  if (named_.empty()) return go_through_list(found);
  if (auto looked = look_up_next(found); !looked) return std::unexpected(looked.error());
  return false;
}

void TcpCount::begin() {
  begun_ = true;
  std::erase_if(*known_, [this](const auto& one) { return !holders_.contains(one.first); });
  missing_ = holders_;
  for (const auto& [inode, known] : *known_) {
    if (known.name) named_.push_back(inode);
    if (known.name || known.is_other()) missing_.erase(inode);
  }
  lists_ = lists_of(listeners_);
}

// One that is none any more, since its client has reset it, say, can stay open for long. Another count of the worker's
// may have found that out meanwhile.
os::Result<void> TcpCount::look_up_next(const Found& found) {
  const std::uint64_t inode = named_.back();
  const auto known = known_->find(inode);
  if (known == known_->end() || !known->second.name) {
    named_.pop_back();
    return {};
  }
  const auto connection = sockets_->look_up(*known->second.name);
  if (!connection) {
    missing_.insert_or_assign(inode, holders_.at(inode));
    return std::unexpected(connection.error());
  }
  named_.pop_back();
  if (*connection) {
    found(holders_.at(inode), (*connection)->facts);
  } else {
    known->second = {.name = std::nullopt, .missed = 1};
  }
  return {};
}

os::Result<bool> TcpCount::go_through_list(const Found& found) {
  if (!listing_) {
    if (lists_.empty()) {
      for (const auto& [inode, holder] : missing_) ++(*known_)[inode].missed;
      return true;
    }
    if (auto asked = sockets_->list(lists_.back().first, lists_.back().second); !asked) {
      return std::unexpected(asked.error());
    }
    lists_.pop_back();
  }
  const auto ended = sockets_->more([&](const os::TcpConnection& connection) { meet(connection, found); });
  if (!ended) return ended;
  listing_ = !*ended;
  return false;
}

void TcpCount::meet(const os::TcpConnection& connection, const Found& found) {
  const auto missing = missing_.find(connection.inode);
  if (missing == missing_.end()) return;
  const auto is_its = [&](const os::SocketAddress& listener) {
    return os::accepted_from(connection.local, listener);
  };
  if (std::ranges::none_of(listeners_, is_its)) return;
  (*known_)[connection.inode] = {.name = connection.name};
  const SocketHolder holder = missing->second;
  missing_.erase(missing);
  found(holder, connection.facts);
}

std::vector<SocketHolder> TcpCount::unknown() const {
  std::vector<SocketHolder> holders;
  for (const auto& [inode, holder] : missing_) holders.push_back(holder);
  for (const std::uint64_t inode : named_) {
    if (!missing_.contains(inode)) holders.push_back(holders_.at(inode));
  }
  return holders;
}

}  // namespace liveswap::master
