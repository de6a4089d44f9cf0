// Errors of YAML's syntax in an operator's words.
//
// yaml-cpp says what its parser missed ("end of sequence flow not found"); a person wants to know what to
// change. Pure text work: no yaml-cpp here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/source.hpp"

namespace liveswap::config {

struct SyntaxError {
  std::size_t offset = 0;
  std::string message;                        // as yaml-cpp words it
  std::optional<std::size_t> innermost_open;  // where the list or map begins that was being read
};

struct ExplainedError {
  std::size_t offset = 0;
  std::string message;
};

ExplainedError explain_syntax_error(const Source& source, const SyntaxError& error);

// What to say of a list or map at `key` that yaml-cpp takes for a key: it does so, too, with what is never
// closed. `outermost_bracket`: where the outermost [ or { opens that is being read.
ExplainedError explain_key(std::string_view text, std::size_t key,
                           std::optional<std::size_t> outermost_bracket);

// Past anchors and tags (`&a !!str value`) to the value itself.
std::size_t value_start(std::string_view text, std::size_t offset);

// The `~` or `null` that stands at `offset`; "" where a value was left out.
std::string_view null_word(std::string_view text, std::size_t offset);

// Whether the quoted scalar that begins at `offset` ends at all (yaml-cpp takes the end of the file for its
// end). True for scalars without quotes.
bool quote_is_closed(std::string_view text, std::size_t offset);

}  // namespace liveswap::config
