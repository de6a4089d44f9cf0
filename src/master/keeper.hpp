// Copies of descriptors that must outlive the master, kept by the guardian (guardian_link.hpp), and those that an
// earlier master has left. Without a guardian nothing is kept, and nothing else changes.
//
//   keep(key, fd)  ──▶ Kept: a copy is kept for as long as this lives
//   take(key)      ──▶ KeptFd: what an earlier master kept under that key, for this master to go on with
//
// A key is made of identities that the state has, so that the next master knows what to ask for. What is kept and
// stands in no state is dropped by it: so the state is written soon after each change of what is kept (on_change). And
// what a worker is known by is dropped only when the state knows that it is gone (settle).
//
// Owned by Master; one thread. A Kept must not outlive it.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "os/fd.hpp"
#include "wire/guard_messages.hpp"

namespace liveswap::master {

using KeepKey = wire::guard::Key;
using KeepRole = wire::guard::Role;

inline constexpr KeepKey kLockKey{.role = KeepRole::lock};
inline constexpr KeepKey kLauncherKey{.role = KeepRole::launcher};

class Keeper;

// A copy is kept while this lives. Empty: none is.
class Kept {
 public:
  Kept() = default;
  Kept(Kept&& other) noexcept : keeper_(std::exchange(other.keeper_, nullptr)), key_(other.key_) {}
  Kept& operator=(Kept&& other) noexcept;
  ~Kept() { drop(); }

  void drop();

 private:
  friend class Keeper;
  Kept(Keeper& keeper, const KeepKey& key) : keeper_(&keeper), key_(key) {}

  Keeper* keeper_ = nullptr;
  KeepKey key_{};
};

// As the guardian gives it to the next master.
struct KeptDescriptor {
  KeepKey key;
  os::OwnedFd fd;
};

struct KeptFd {
  os::OwnedFd fd;
  Kept kept;
};

class Keeper {
 public:
  // How copies get to whoever keeps them; both may come at any time. A descriptor is borrowed during the call.
  struct Store {
    std::function<void(const KeepKey&, os::FdRef)> keep;
    std::function<void(const KeepKey&)> drop;
  };

  Keeper() = default;  // keeps nothing
  explicit Keeper(Store store) : store_(std::move(store)) {}
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // Borrows `fd`, which stays open for at least as long as the Kept lives. One key, one Kept.
  [[nodiscard]] Kept keep(const KeepKey& key, os::FdRef fd);

  // From an earlier master, once: before the first take().
  void inherit(const KeepKey& key, os::OwnedFd fd) { left_.insert_or_assign(order(key), Left{key, std::move(fd)}); }
  [[nodiscard]] std::optional<KeptFd> take(const KeepKey& key);
  [[nodiscard]] bool has_left(const KeepKey& key) const { return left_.contains(order(key)); }
  // The keys of that role that were left and not taken yet, by owner and index.
  [[nodiscard]] std::vector<KeepKey> left_of(KeepRole role) const;
  // What nobody has taken, once everybody has had his turn: it is dropped.
  std::vector<KeepKey> drop_rest();

  // The state has been written: what was dropped since the last time is.
  void settle();

  // Called with each change; none: nobody wants to know.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

  // Nobody is to go on where this master ends: nothing is kept from now on.
  void let_go();

  // From now on copies go to that store, everything that is kept now first.
  void replace(Store store);

 private:
  friend class Kept;
  using Order = std::tuple<std::uint32_t, std::uint64_t, std::uint32_t>;
  [[nodiscard]] static Order order(const KeepKey& key) {
    return {static_cast<std::uint32_t>(key.role), key.owner, key.index};
  }
  void drop(const KeepKey& key);

  struct Left {
    KeepKey key;
    os::OwnedFd fd;
  };
  struct Held {
    KeepKey key;
    os::FdRef fd;
  };
  Store store_;
  std::function<void()> changed_;
  std::vector<KeepKey> dropped_;  // until settle()
  std::map<Order, Held> kept_;
  std::map<Order, Left> left_;
};

}  // namespace liveswap::master
