#include "master/keeper.hpp"

#include <cassert>

namespace liveswap::master {
namespace {

bool is_of_worker(KeepRole role) {
  switch (role) {
    case KeepRole::worker_pidfd:
    case KeepRole::worker_channel:
    case KeepRole::worker_notify:
    case KeepRole::worker_output:
    case KeepRole::worker_link:
    case KeepRole::worker_filter:
    case KeepRole::worker_bound: return true;
    default: return false;
  }
}

}  // namespace

Kept& Kept::operator=(Kept&& other) noexcept {
  if (this == &other) return *this;
  drop();
  keeper_ = std::exchange(other.keeper_, nullptr);
  key_ = other.key_;
  return *this;
}

void Kept::drop() {
  if (Keeper* keeper = std::exchange(keeper_, nullptr)) keeper->drop(key_);
}

Kept Keeper::keep(const KeepKey& key, os::FdRef fd) {
  assert(!kept_.contains(order(key)));
  kept_.insert_or_assign(order(key), Held{key, fd});
  if (store_.keep) store_.keep(key, fd);
  if (changed_) changed_();
  return {*this, key};
}

std::optional<KeptFd> Keeper::take(const KeepKey& key) {
  auto found = left_.extract(order(key));
  if (found.empty()) return std::nullopt;
  os::OwnedFd fd = std::move(found.mapped().fd);
  kept_.insert_or_assign(order(key), Held{key, fd});
  return KeptFd{std::move(fd), Kept(*this, key)};
}

std::vector<KeepKey> Keeper::drop_rest() {
  std::vector<KeepKey> keys;
  for (const auto& [order, left] : std::exchange(left_, {})) {
    keys.push_back(left.key);
    if (store_.drop) store_.drop(left.key);
  }
  return keys;
}

std::vector<KeepKey> Keeper::left_of(KeepRole role) const {
  std::vector<KeepKey> keys;
  for (const auto& [order, left] : left_) {
    if (left.key.role == role) keys.push_back(left.key);
  }
  return keys;
}

void Keeper::settle() {
  for (const KeepKey& key : std::exchange(dropped_, {})) {
    if (store_.drop && !kept_.contains(order(key))) store_.drop(key);
  }
}

void Keeper::let_go() {
  settle();
  for (const auto& [order, held] : kept_) {
    if (store_.drop) store_.drop(held.key);
  }
  store_ = {};
}

void Keeper::replace(Store store) {
  store_ = std::move(store);
  for (const auto& [order, held] : kept_) {
    if (store_.keep) store_.keep(held.key, held.fd);
  }
}

void Keeper::drop(const KeepKey& key) {
  kept_.erase(order(key));
  if (is_of_worker(key.role)) {
    dropped_.push_back(key);
  } else if (store_.drop) {
    store_.drop(key);
  }
  if (changed_) changed_();
}

}  // namespace liveswap::master
