// A core's saved state. Whatever is accepted can be shown and saved, and is the same when it is restored again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "core/core.hpp"
#include "require.hpp"

namespace {

using namespace liveswap::core;

void check(std::span<const std::byte> bytes) {
  ArchiveReader reader(bytes, kArchiveVersion);
  const auto core = Core::restore(reader);
  if (!core) {
    require(!core.error().empty(), "a refusal has a reason");
    return;
  }
  (void)(*core)->snapshot();
  (void)(*core)->next_deadline();
  ArchiveWriter saved, again;
  (*core)->save(saved);
  ArchiveReader second(saved.bytes(), kArchiveVersion);
  const auto twice = Core::restore(second);
  require(twice.has_value(), "what was accepted is accepted again");
  (*twice)->save(again);
  require(std::ranges::equal(saved.bytes(), again.bytes()), "what is saved again is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check(std::as_bytes(std::span{data, size}));
  return 0;
}
