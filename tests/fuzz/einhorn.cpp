// What comes on einhorn's command socket, as bytes of any kind: a line has one meaning, however its percent signs are
// written, and what people read of it is one clean line.
#include <algorithm>
#include <string>

#include "protocols/einhorn.hpp"
#include "require.hpp"
#include "wire/einhorn.hpp"

namespace {

using namespace liveswap;

std::string escape(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '%') {
      line += "%25";
    } else if (c == '\n') {
      line += "%0A";
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line{reinterpret_cast<const char*>(data), size};
  require(wire::einhorn::unescape(escape(line)) == line, "what was escaped comes out");
  const auto command = wire::einhorn::parse(line);
  if (command) {
    require(!command->command.empty(), "a command has a name");
    require(!command->pid || *command->pid > 0, "a process id is one");
    const std::string again = escape(wire::einhorn::unescape(line));
    if (again.size() > wire::einhorn::kLineMax) return 0;
    require(wire::einhorn::parse(again) == command, "escaped again, the same");
  }
  const auto events = protocols::events_of_command(line);
  require(events.size() == 1, "a line is one event");
  if (const auto* problem = std::get_if<protocols::Problem>(&events.front())) {
    require(std::ranges::none_of(problem->text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
            "a problem is one clean line");
  }
  return 0;
}
