#include "master/known_connections.hpp"

#include <algorithm>
#include <utility>

namespace liveswap::master {
namespace {

std::uint64_t cookie_of(const KnownConnection& connection) { return connection.facts.cookie; }

KnownConnection first_seen(const OpenConnection& open, core::Time now) {
  KnownConnection known{.facts = open.facts, .pid = open.pid, .born = now};
  if (open.facts.age) {
    known.born = now - open.facts.age->at_least;
    known.born_exact = open.facts.age->exact;
  }
  return known;
}

// What is exact stays; of two bounds the earlier one says more.
void keep_age(KnownConnection& now, const KnownConnection& before) {
  if (before.born_exact || (!now.born_exact && before.born < now.born)) {
    now.born = before.born;
    now.born_exact = before.born_exact;
  }
}

}  // namespace

void KnownConnections::learn(Counted counted, core::Time now) {
  std::vector<KnownConnection> connections;
  connections.reserve(counted.connections.size());
  for (const OpenConnection& open : counted.connections) connections.push_back(first_seen(open, now));
  std::ranges::sort(connections, {}, cookie_of);
  auto before = connections_.begin();  // both are in the order of the cookies
  for (KnownConnection& connection : connections) {
    while (before != connections_.end() && cookie_of(*before) < cookie_of(connection)) ++before;
    if (before != connections_.end() && cookie_of(*before) == cookie_of(connection)) keep_age(connection, *before);
  }
  connections_ = std::move(connections);
  queued_ = counted.queued;
  counted_ = true;
  counted_at_ = now;
  why_unknown_.clear();
}

void KnownConnections::lose(std::string why) {
  connections_.clear();
  queued_ = 0;
  counted_ = false;
  why_unknown_ = std::move(why);
}

std::optional<std::uint32_t> KnownConnections::count() const {
  if (!counted_) return std::nullopt;
  return static_cast<std::uint32_t>(connections_.size()) + queued_;
}

const KnownConnection* KnownConnections::oldest() const {
  const auto found = std::ranges::min_element(connections_, {}, &KnownConnection::born);
  return found == connections_.end() ? nullptr : &*found;
}

}  // namespace liveswap::master
