// How a command ended, as the exit status, as JSON and for people. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/failure.hpp"
#include "ctl/style.hpp"
#include "wire/varlink.hpp"

namespace liveswap::ctl {

struct Ending {
  int status = kStatusDone;
  std::string result;  // a name of core/results.def
  std::string reason;  // a name of core/reasons.def; "" for none
  std::string text, next, app;
  std::optional<std::int64_t> release, generation, slot;
  std::int64_t serving = 0, wanted = 0;
  std::vector<std::string> last_lines;
};

// Of a last reply: its outcome, or the error that it is.
Ending ending_of(const wire::varlink::Reply& reply);
// Of an Outcome alone; the status is that of the error that goes with it.
Ending ending_of_outcome(const wire::Json& outcome);
Ending ending_of(const Failure& failure);

// `{"type":"result", …}`: the last line that --json prints, always with the same members.
wire::Json result_json(const Ending& ending);
// `{"type":"failure", …}`, which stands before it and says why; nothing where nothing failed.
std::optional<wire::Json> failure_json(const Ending& ending);

// For people, ended by a line break. `place` is what the user typed to name the master: "-n web".
std::string ending_text(const Ending& ending, std::string_view command, std::string_view place,
                        const Style& style);

// "r7 (g8) serves: 4 of 4 workers ready"
std::string what_serves(const Ending& ending);

// The text with `place` behind each liveswapctl.
std::string placed(std::string text, std::string_view place);

}  // namespace liveswap::ctl
