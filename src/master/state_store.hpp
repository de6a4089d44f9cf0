// Where a master's state is written (state_image.hpp), so that the next master finds it: a memory file that the
// guardian keeps, and which grows as it must.
//
//   write()          the state as it is, before what follows from it is done
//   append()         an event that came since
//   set_performed()  how much of what follows has been begun
//
// What cannot be written is told once, and the master goes on without it: it serves, but the next master would have to
// start afresh. Owned by Master; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "master/keeper.hpp"
#include "master/state_image.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

class StateStore {
 public:
  using Problem = std::function<void(std::string_view)>;

  // What an earlier master has left is kept until the first write().
  StateStore(Keeper& keeper, const BootId& boot, Problem problem);
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  void write(const StateBytes& state, std::uint32_t version);
  void append(std::span<const std::byte> entry);
  void set_performed(std::uint64_t count);

  // A memory file with the state as it was written last, and nothing that came since.
  [[nodiscard]] os::Result<os::OwnedFd> copy() const;

 private:
  [[nodiscard]] os::Result<void> make(std::size_t state_max, std::size_t journal_max);
  [[nodiscard]] os::Result<void> write_larger(const StateBytes& state, std::uint32_t version);
  [[nodiscard]] os::Result<void> enlarge_journal(std::size_t journal_max);
  void give_up(const os::Error& error);

  Keeper& keeper_;
  BootId boot_;
  Problem problem_;
  std::size_t state_max_, journal_max_;
  std::uint64_t number_ = 0;  // of the memory file; one that takes its place has the next
  os::OwnedFd memory_;
  std::optional<StateImage> image_;
  Kept kept_;
  std::vector<Kept> left_;  // an earlier master's
  bool failed_ = false;
};

// What an earlier master has left: the newest of what the guardian gave. nullopt: there is none.
[[nodiscard]] std::optional<os::Result<SavedState>> read_left_state(std::span<const KeptDescriptor> store,
                                                                    const BootId& boot);

// As os::boot_id() has it.
[[nodiscard]] os::Result<BootId> own_boot_id();

}  // namespace liveswap::master
