// A list of lists of texts as Go's encoding/gob writes a [][]string: the description of both types, then the value. No
// more of the format is needed: it is how tableflip tells a successor the names of what it inherits.
//
//   message     length, then so many bytes
//   unsigned    one byte up to 127; else the negated number of bytes, and those, the highest first
//   signed      unsigned, with the sign in the lowest bit
//   type        -id, and a wireType of which only SliceT is set: {CommonType {Id}, Elem}
//   value       id, a zero, and the list: a count and its members; a text is its length and its bytes
#pragma once

#include <span>
#include <string>
#include <vector>

namespace liveswap::wire {

[[nodiscard]] std::string gob_of_names(std::span<const std::vector<std::string>> names);

}  // namespace liveswap::wire
