#include "master/master_state.hpp"

#include <fmt/format.h>

namespace liveswap::master {

std::unexpected<std::string> not_understood(const SavedState& saved, std::string_view part) {
  if (saved.version > core::kArchiveVersion) {
    return std::unexpected(fmt::format("it is of version {}, and this liveswap knows versions up to {}", saved.version,
                                       core::kArchiveVersion));
  }
  return std::unexpected(fmt::format("its {} cannot be understood", part));
}

std::expected<LastingState, std::string> read_lasting(const SavedState& saved) {
  core::ArchiveReader reader(saved.lasting, saved.version);
  LastingState lasting;
  reader(lasting);
  if (reader.failed() || !reader.at_end()) return not_understood(saved, "plan");
  return lasting;
}

}  // namespace liveswap::master
