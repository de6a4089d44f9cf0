// What a master leaves to the next one. The first byte says which part the rest is: 0 its plan and releases, 1 what
// changes with each turn, else a whole state file. Whatever is accepted is the same when it is read once more.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/archive_writer.hpp"
#include "core/persist_messages.hpp"
#include "core/persist_state.hpp"
#include "master/master_state.hpp"
#include "os/memfd.hpp"
#include "require.hpp"

namespace {

using namespace liveswap;

master::SavedState saved(std::span<const std::byte> lasting, std::span<const std::byte> passing) {
  master::SavedState state{.version = core::kArchiveVersion};
  state.lasting.assign(lasting.begin(), lasting.end());
  state.passing.assign(passing.begin(), passing.end());
  return state;
}

void write(core::ArchiveWriter& archive, const master::LastingState& state) { archive(state); }
void write(core::ArchiveWriter& archive, const master::PassingState& state) {
  state.core->save(archive);
  archive(state.actions, state.listeners, state.on_demand, state.workers, state.requests, state.hooked,
          state.said_ready, state.events);
}

// `read` makes a state of bytes.
void check(std::span<const std::byte> bytes, auto read) {
  const auto first = read(bytes);
  if (!first) return require(!first.error().empty(), "a refusal has a reason");
  core::ArchiveWriter once, twice;
  write(once, *first);
  const auto second = read(once.bytes());
  require(second.has_value(), "what was accepted is accepted again");
  write(twice, *second);
  require(std::ranges::equal(once.bytes(), twice.bytes()), "what is written again is the same");
}

void check_image(std::span<const std::byte> bytes) {
  const auto file = os::make_memfd("state");
  if (!file || ::write(file->get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return;
  const auto read = master::StateImage::read(*file, master::BootId{});
  require(read.has_value() || !read.error().message().empty(), "a refusal has a reason");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span{data, size}).subspan(1);
  if (data[0] == 0) {
    check(rest, [](std::span<const std::byte> bytes) { return master::read_lasting(saved(bytes, {})); });
  } else if (data[0] == 1) {
    check(rest, [](std::span<const std::byte> bytes) { return master::read_passing(saved({}, bytes)); });
  } else {
    check_image(rest);
  }
  return 0;
}
