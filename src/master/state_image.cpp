#include "master/state_image.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace liveswap::master {
namespace {

constexpr std::array<char, 8> kMagic{'L', 'V', 'S', 'W', 'S', 'T', 'A', 'T'};
constexpr std::uint32_t kLayout = 1;
constexpr std::size_t kHeaderSize = 4096;
constexpr std::size_t kImageMax = std::size_t{1} << 30;

// FNV-1a over words: it finds flipped bits, and keeps nobody out.
std::uint64_t checksum(std::span<const std::byte> bytes) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t sum = 0xcbf29ce484222325 ^ bytes.size();
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(bytes.size(), sizeof word);
    std::memcpy(&word, bytes.data(), size);
    sum = (sum ^ word) * kPrime;
    sum ^= sum >> 29;
    bytes = bytes.subspan(size);
  }
  return sum;
}

os::Result<SavedState> damaged(const char* what) {
  return os::fail_with(0, std::string("it is damaged (") + what + ")");
}

}  // namespace

struct StateImage::Half {
  std::uint64_t sequence = 0;
  std::uint32_t version = 0, unused = 0;
  std::uint64_t lasting_revision = 0, lasting_size = 0, lasting_sum = 0;
  std::uint64_t passing_size = 0, passing_sum = 0;
};

// Each number that is stored while the image is valid is stored by itself, after what it stands for: a process that is
// killed has done all of its stores up to some point, and none after that.
struct StateImage::Header {
  std::array<char, 8> magic{};
  std::uint32_t layout = 0, unused = 0;
  BootId boot{};
  std::uint64_t half_size = 0, journal_size = 0;
  std::atomic<std::uint32_t> valid{};  // 0: nothing was written yet; else the half's number, from 1
  std::array<Half, 2> halves{};
  std::atomic<std::uint64_t> performed_of{}, performed{};  // `of`: the sequence of the state that it belongs to
  std::atomic<std::uint64_t> journal_of{}, journal_end{};
};

StateImage::Header& StateImage::header() const {
  static_assert(sizeof(Header) <= kHeaderSize);
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  return *std::launder(reinterpret_cast<Header*>(mapping_.bytes().data()));
}

std::span<std::byte> StateImage::half_bytes(std::uint32_t index) const {
  const Header& its = header();
  return mapping_.bytes().subspan(kHeaderSize + index * its.half_size, its.half_size);
}

std::span<std::byte> StateImage::journal_bytes() const {
  const Header& its = header();
  return mapping_.bytes().subspan(kHeaderSize + 2 * its.half_size, its.journal_size);
}

os::Result<StateImage> StateImage::create(os::FdRef file, std::size_t state_max, std::size_t journal_max,
                                          const BootId& boot) {
  auto mapping = os::SharedMapping::allocate(file, kHeaderSize + 2 * state_max + journal_max);
  if (!mapping) return std::unexpected(mapping.error());
  auto* made = new (mapping->bytes().data()) Header();
  made->magic = kMagic;
  made->layout = kLayout;
  made->boot = boot;
  made->half_size = state_max;
  made->journal_size = journal_max;
  return StateImage(std::move(*mapping));
}

bool StateImage::write(const StateBytes& state, std::uint32_t version) {
  Header& its = header();
  if (state.lasting.size() + state.passing.size() > its.half_size) return false;
  const std::uint32_t valid = its.valid.load(std::memory_order_relaxed);
  const std::uint32_t index = valid == 1 ? 1 : 0;
  const std::uint64_t sequence = valid == 0 ? 1 : its.halves[valid - 1].sequence + 1;
  Half& half = its.halves[index];
  const std::span<std::byte> bytes = half_bytes(index);
  if (half.lasting_revision != state.lasting_revision) {
    half.lasting_revision = 0;
    std::ranges::copy(state.lasting, bytes.begin());
    half.lasting_size = state.lasting.size();
    half.lasting_sum = checksum(state.lasting);
    half.lasting_revision = state.lasting_revision;
  }
  std::ranges::copy(state.passing, bytes.subspan(state.lasting.size()).begin());
  half.passing_size = state.passing.size();
  half.passing_sum = checksum(state.passing);
  half.version = version;
  half.sequence = sequence;
  its.valid.store(index + 1, std::memory_order_release);
  // Both still belong to the state before, and so count as none, until they are this one's.
  its.performed.store(0, std::memory_order_release);
  its.performed_of.store(sequence, std::memory_order_release);
  its.journal_end.store(0, std::memory_order_release);
  its.journal_of.store(sequence, std::memory_order_release);
  return true;
}

// Size, checksum, bytes; the end moves when the entry is whole.
bool StateImage::append(std::span<const std::byte> entry) {
  Header& its = header();
  const std::array<std::uint64_t, 2> head{entry.size(), checksum(entry)};
  const std::uint64_t end = its.journal_end.load(std::memory_order_relaxed);
  const bool is_written = its.valid.load(std::memory_order_relaxed) != 0;
  if (!is_written || sizeof head + entry.size() > its.journal_size - end) return false;
  const std::span<std::byte> to = journal_bytes().subspan(end);
  std::memcpy(to.data(), head.data(), sizeof head);
  std::ranges::copy(entry, to.subspan(sizeof head).begin());
  its.journal_end.store(end + sizeof head + entry.size(), std::memory_order_release);
  return true;
}

void StateImage::set_performed(std::uint64_t count) { header().performed.store(count, std::memory_order_release); }

os::Result<SavedState> StateImage::read(os::FdRef file, const BootId& boot) {
  auto mapping = os::SharedMapping::open(file, kImageMax);
  if (!mapping) return std::unexpected(mapping.error());
  const std::size_t size = mapping->bytes().size();
  if (size < kHeaderSize) return damaged("it is too short");
  const StateImage image(std::move(*mapping));
  const Header& its = image.header();
  if (its.magic != kMagic) return os::fail_with(0, "it is no state of liveswap's");
  if (its.layout != kLayout) return os::fail_with(0, "its layout is of another version");
  if (its.boot != boot) return os::fail_with(0, "it is from before the machine was started, or from another machine");
  const std::size_t room = size - kHeaderSize;
  if (its.half_size > room / 2 || its.journal_size != room - 2 * its.half_size) return damaged("its sizes");
  const std::uint32_t valid = its.valid.load(std::memory_order_acquire);
  if (valid == 0) return os::fail_with(0, "nothing was written to it");
  if (valid > 2) return damaged("which half is valid");
  return image.read_half(valid - 1);
}

os::Result<SavedState> StateImage::read_half(std::uint32_t index) const {
  const Header& its = header();
  const Half& half = its.halves[index];
  if (half.lasting_size > its.half_size || half.passing_size > its.half_size - half.lasting_size) {
    return damaged("the size of its parts");
  }
  const auto lasting = half_bytes(index).first(half.lasting_size);
  const auto passing = half_bytes(index).subspan(half.lasting_size, half.passing_size);
  if (checksum(lasting) != half.lasting_sum || checksum(passing) != half.passing_sum) return damaged("a checksum");
  SavedState saved{.version = half.version,
                   .lasting = {lasting.begin(), lasting.end()},
                   .passing = {passing.begin(), passing.end()},
                   .performed = 0,
                   .journal = {}};
  if (its.performed_of.load(std::memory_order_acquire) == half.sequence) {
    saved.performed = its.performed.load(std::memory_order_acquire);
  }
  if (its.journal_of.load(std::memory_order_acquire) == half.sequence) saved.journal = read_journal();
  return saved;
}

// Up to the first entry that is not whole.
std::vector<std::vector<std::byte>> StateImage::read_journal() const {
  std::vector<std::vector<std::byte>> entries;
  const std::uint64_t end = std::min<std::uint64_t>(header().journal_end.load(std::memory_order_acquire),
                                                    journal_bytes().size());
  std::span<const std::byte> rest = std::span<const std::byte>(journal_bytes()).first(end);
  std::array<std::uint64_t, 2> head{};
  while (rest.size() >= sizeof head) {
    std::memcpy(head.data(), rest.data(), sizeof head);
    rest = rest.subspan(sizeof head);
    if (head[0] > rest.size()) break;
    const auto entry = rest.first(head[0]);
    if (checksum(entry) != head[1]) break;
    entries.emplace_back(entry.begin(), entry.end());
    rest = rest.subspan(entry.size());
  }
  return entries;
}

}  // namespace liveswap::master
