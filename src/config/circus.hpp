// circus's names in commands: `$(circus.sockets.NAME)` or `((circus.sockets.NAME))` is the number of a socket's
// descriptor, `$(circus.wid)` the worker's place counted from 1. As in circus, upper and lower case are the same.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace liveswap::config {

// How long the reference at the start of `text` is, in either form; 0: there is none.
std::size_t circus_reference(std::string_view text);

// What stands between its parentheses: "circus.wid".
std::string_view circus_name(std::string_view reference);

// The same word with all references in the form with a dollar, which is that of templates.
std::string with_dollars(std::string_view word);

bool same_ignoring_case(std::string_view a, std::string_view b);
bool starts_ignoring_case(std::string_view text, std::string_view start);

}  // namespace liveswap::config
