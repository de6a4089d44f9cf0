// What a master has to leave to the next one, in memory that outlives it (a memfd that the guardian keeps, a mapped
// file): the last state that was written whole, and what has happened since.
//
//   header │ half 0: lasting │ passing │ half 1: lasting │ passing │ journal
//
// A write fills the half that is not valid and makes it valid by one store, so that a process which dies anywhere
// leaves a whole state. The lasting part (plan, releases) seldom changes and is copied only then. Progress and journal
// belong to one state: with the next one they begin anew.
//
// Everything is believed only after its checksum; what is damaged is an error that says so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "os/error.hpp"
#include "os/shared_mapping.hpp"

namespace liveswap::master {

// As os::boot_id() has it.
using BootId = std::array<char, 36>;

struct StateBytes {
  std::span<const std::byte> lasting;
  std::uint64_t lasting_revision = 0;  // changes with it; from 1
  std::span<const std::byte> passing;
};

// A copy of what an image has.
struct SavedState {
  std::uint32_t version = 0;  // of the archive
  std::vector<std::byte> lasting, passing;
  std::uint64_t performed = 0;  // how many of the state's actions have been begun
  std::vector<std::vector<std::byte>> journal;
};

class StateImage {
 public:
  // Room for states and journals of up to these sizes.
  [[nodiscard]] static os::Result<StateImage> create(os::FdRef file, std::size_t state_max, std::size_t journal_max,
                                                     const BootId& boot);
  // An image that another process has made. The errors are clauses: "it is damaged (the checksum of …)".
  [[nodiscard]] static os::Result<SavedState> read(os::FdRef file, const BootId& boot);

  // False: there is no room, and the image has what it had; a larger one is needed.
  [[nodiscard]] bool write(const StateBytes& state, std::uint32_t version);
  [[nodiscard]] bool append(std::span<const std::byte> entry);
  void set_performed(std::uint64_t count);

 private:
  struct Header;
  struct Half;
  explicit StateImage(os::SharedMapping mapping) : mapping_(std::move(mapping)) {}
  [[nodiscard]] Header& header() const;
  [[nodiscard]] std::span<std::byte> half_bytes(std::uint32_t index) const;
  [[nodiscard]] std::span<std::byte> journal_bytes() const;
  [[nodiscard]] os::Result<SavedState> read_half(std::uint32_t index) const;
  [[nodiscard]] std::vector<std::vector<std::byte>> read_journal() const;

  os::SharedMapping mapping_;
};

}  // namespace liveswap::master
