#include "ctl/output.hpp"

#include <nlohmann/json.hpp>

namespace liveswap::ctl {

void Output::object(const wire::Json& object) const { out_(wire::dump_json(object) + "\n"); }

void Output::object(std::string_view type, const wire::Json& members) const {
  wire::Json whole{{"type", type}};
  if (members.is_object()) whole.update(members);
  object(whole);
}

void Output::notice(std::string_view event, std::string_view text) const {
  if (json_) {
    object("event", {{"event", event}, {"level", "warn"}, {"message", text}});
  } else {
    err_("liveswapctl: " + std::string(text) + "\n");
  }
}

int Output::end(const Ending& ending, std::string_view command, std::string_view place) const {
  if (json_) {
    if (const auto failure = failure_json(ending)) object(*failure);
    object(result_json(ending));
  } else if (ending.status == kStatusDone) {
    out_(ending_text(ending, command, place, terminal_.out));
  } else {
    err_(ending_text(ending, command, place, terminal_.err));
  }
  return ending.status;
}

}  // namespace liveswap::ctl
