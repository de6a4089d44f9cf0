// What a worker says on einhorn's command socket: one message a line, each a YAML document that was put into one line
// by `%25` for a percent sign and `%0A` for a line break. Its clients write JSON, or YAML as Ruby's YAML.dump does:
//
//   {"command":"worker:ack","pid":5}
//   ---%0Acommand: worker:ack%0Apid: 5%0A
//   {command: worker:ack, pid: 5}
//
// That much of YAML is read and no more: a map of words, in lines or in braces, with words plain or in quotes. Pure.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "wire/format_error.hpp"

namespace liveswap::wire::einhorn {

inline constexpr std::size_t kLineMax = 4096;

struct Command {
  std::string command;  // "worker:ack", "worker:ping", or one that is not a worker's
  std::optional<int> pid;
  bool operator==(const Command&) const = default;
};

// `%25` and `%0A` decoded in one pass: what comes out is not looked at again. Any other percent sign stays.
[[nodiscard]] std::string unescape(std::string_view line);

// `line`: without its line break. Keys other than command and pid are passed over.
[[nodiscard]] std::expected<Command, FormatError> parse(std::string_view line);

}  // namespace liveswap::wire::einhorn
