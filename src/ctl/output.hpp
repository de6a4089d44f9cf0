// What a command prints, and how: JSON objects, text for a terminal, or text for a pipe. Owned by main.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ctl/ending.hpp"
#include "ctl/screen.hpp"
#include "wire/json.hpp"

namespace liveswap::ctl {

class Output {
 public:
  // False: it could not be written, and nothing will be any more. An empty text asks for that.
  using Write = std::function<bool(std::string_view)>;

  Output(Terminal terminal, bool json, Write out, Write err)
      : terminal_(terminal), json_(json), out_(std::move(out)), err_(std::move(err)) {}

  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] const Terminal& terminal() const { return terminal_; }
  [[nodiscard]] const Write& out() const { return out_; }

  // Whoever prints for as long as things happen asks, so as to end.
  [[nodiscard]] bool takes_more() const { return out_(""); }

  void text(std::string_view text) const { out_(text); }
  // One line.
  void object(const wire::Json& object) const;
  // The same with `type` before its own members.
  void object(std::string_view type, const wire::Json& members) const;

  // What happens to the command itself, while it goes on: an event, or a line beside what is printed.
  void notice(std::string_view event, std::string_view text) const;

  // The last thing that a command prints. Returns the exit status.
  int end(const Ending& ending, std::string_view command, std::string_view place) const;

 private:
  Terminal terminal_;
  bool json_;
  Write out_, err_;
};

}  // namespace liveswap::ctl
