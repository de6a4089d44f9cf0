#include "master/state_store.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "os/memfd.hpp"
#include "os/procfs.hpp"

namespace liveswap::master {
namespace {

constexpr std::size_t kStateAtFirst = std::size_t{64} << 10U;
constexpr std::size_t kJournalAtFirst = std::size_t{32} << 10U;

KeepKey key_of(std::uint64_t number) { return {KeepRole::state, 0, number}; }

std::size_t size_of(const StateBytes& state) { return state.lasting.size() + state.passing.size(); }

}  // namespace

StateStore::StateStore(Keeper& keeper, const BootId& boot, Problem problem)
    : keeper_(keeper),
      boot_(boot),
      problem_(std::move(problem)),
      state_max_(kStateAtFirst),
      journal_max_(kJournalAtFirst) {
  for (const KeepKey& key : keeper_.left_of(KeepRole::state)) {
    left_.push_back(std::move(keeper_.take(key)->kept));
    number_ = key.owner;
  }
}

// In place of the one that is there, which the guardian keeps until it has the new one with a whole state in it.
os::Result<void> StateStore::make(std::size_t state_max, std::size_t journal_max) {
  auto memory = os::make_memfd("liveswap-state");
  if (!memory) return std::unexpected(memory.error());
  auto image = StateImage::create(*memory, state_max, journal_max, boot_);
  if (!image) return std::unexpected(image.error());
  state_max_ = state_max;
  journal_max_ = journal_max;
  memory_ = std::move(*memory);
  image_ = std::move(*image);
  return {};
}

void StateStore::write(const StateBytes& state, std::uint32_t version) {
  if (failed_ || (image_ && image_->write(state, version))) return;
  if (auto written = write_larger(state, version); !written) give_up(written.error());
}

os::Result<void> StateStore::write_larger(const StateBytes& state, std::uint32_t version) {
  std::size_t state_max = state_max_;
  while (state_max < size_of(state)) state_max *= 2;
  if (auto made = make(state_max, journal_max_); !made) return made;
  if (!image_->write(state, version)) return os::fail_with(ENOSPC, "liveswap-state");
  kept_ = keeper_.keep(key_of(++number_), memory_);
  left_.clear();
  return {};
}

void StateStore::append(std::span<const std::byte> entry) {
  if (failed_ || !image_ || image_->append(entry)) return;
  if (auto larger = enlarge_journal(2 * journal_max_ + entry.size()); !larger) return give_up(larger.error());
  (void)image_->append(entry);
}

os::Result<void> StateStore::enlarge_journal(std::size_t journal_max) {
  const auto saved = StateImage::read(memory_, boot_);
  if (!saved) return std::unexpected(saved.error());
  if (auto made = make(state_max_, journal_max); !made) return made;
  (void)image_->write({.lasting = saved->lasting, .lasting_revision = 1, .passing = saved->passing}, saved->version);
  image_->set_performed(saved->performed);
  for (const auto& entry : saved->journal) (void)image_->append(entry);
  kept_ = keeper_.keep(key_of(++number_), memory_);
  return {};
}

os::Result<os::OwnedFd> StateStore::copy() const {
  if (!image_) return os::fail_with(ENODATA, "liveswap-state");
  const auto saved = StateImage::read(memory_, boot_);
  if (!saved) return std::unexpected(saved.error());
  auto memory = os::make_memfd("liveswap-state-copy");
  if (!memory) return memory;
  auto image = StateImage::create(*memory, saved->lasting.size() + saved->passing.size(), 0, boot_);
  if (!image) return std::unexpected(image.error());
  if (!image->write({.lasting = saved->lasting, .lasting_revision = 1, .passing = saved->passing}, saved->version)) {
    return os::fail_with(ENOSPC, "liveswap-state-copy");
  }
  return memory;
}

void StateStore::set_performed(std::uint64_t count) {
  if (!failed_ && image_) image_->set_performed(count);
}

void StateStore::give_up(const os::Error& error) {
  failed_ = true;
  image_.reset();
  kept_.drop();
  problem_("the state cannot be written, and a master that takes this one's place would start afresh: " +
           error.message());
}

std::optional<os::Result<SavedState>> read_left_state(std::span<const KeptDescriptor> store, const BootId& boot) {
  const KeptDescriptor* newest = nullptr;
  for (const KeptDescriptor& kept : store) {
    if (kept.key.role != KeepRole::state) continue;
    if (newest == nullptr || newest->key.owner < kept.key.owner) newest = &kept;
  }
  if (newest == nullptr) return std::nullopt;
  return StateImage::read(newest->fd, boot);
}

os::Result<BootId> own_boot_id() {
  const auto text = os::boot_id();
  if (!text) return std::unexpected(text.error());
  BootId id{};
  std::ranges::copy(text->substr(0, id.size()), id.begin());
  return id;
}

}  // namespace liveswap::master
