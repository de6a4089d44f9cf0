// What a master sends, or whatever else is on the socket, as text for people: no input breaks the client, and
// nothing of it drives the terminal or runs over its edge. An input is the parameters of a reply.
#include <string_view>

#include "ctl/ending.hpp"
#include "ctl/rollout_view.hpp"
#include "ctl/status_text.hpp"
#include "require.hpp"
#include "wire/varlink.hpp"

namespace {

using namespace liveswap;

constexpr std::size_t kColumns = 60;

void check_text(std::string_view text, bool fits) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '\n') {
      require(static_cast<unsigned char>(text[i]) >= 0x20 && text[i] != 0x7f,
              "no control character is shown");
      continue;
    }
    if (fits) require(ctl::width_of(text.substr(begin, i - begin)) <= kColumns, "no line is too wide");
    begin = i + 1;
  }
}

void show_everything(const wire::Json& parameters) {
  ctl::Page page;
  page.now = ctl::WallTime{std::chrono::seconds(1'800'000'000)};
  page.columns = kColumns;
  check_text(ctl::status_text(parameters, true, page), true);
  check_text(ctl::listeners_text(parameters), false);
  check_text(ctl::history_text(parameters, page), false);
  check_text(ctl::masters_text({parameters}, page), false);
  check_text(ctl::event_text(parameters, {}), false);
  check_text(ctl::line_text(parameters, true), false);
  ctl::RolloutView view;
  view.add_event(parameters);
  view.add_status(parameters, page.now);
  for (const auto& line : view.lines(kColumns, 5, {})) check_text(line, true);
  for (const char* error : {"", "org.liveswap.Control.Failed", "org.varlink.service.InvalidParameter", "x"}) {
    const auto ending = ctl::ending_of(wire::varlink::Reply{.parameters = parameters, .error = error});
    check_text(ctl::ending_text(ending, "upgrade", "-n x", {}), false);
    require(ctl::result_json(ending).size() == 7, "a result has its members");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parameters = wire::parse_json({reinterpret_cast<const char*>(data), size});
  if (parameters && parameters->is_object()) show_everything(*parameters);
  return 0;
}
