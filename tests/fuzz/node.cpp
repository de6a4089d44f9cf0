// What a Node worker sends, as bytes of any kind: the session never sends twice what needs an answer, says what people
// read in clean lines, and asks only for servers that have a key. The first byte says how the pieces are cut.
#include <algorithm>
#include <string>

#include "protocols/node_session.hpp"
#include "require.hpp"

namespace {

using namespace liveswap;

bool is_one_clean_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

void answer(protocols::NodeSession& session, const protocols::NodeHeard& heard) {
  for (const protocols::WorkerEvent& event : heard.events) {
    if (const auto* problem = std::get_if<protocols::Problem>(&event)) {
      require(is_one_clean_line(problem->text), "a problem is one clean line");
    }
  }
  bool granted = false;
  for (const wire::node::ServerQuery& query : heard.asked) {
    require(query.data.size() <= wire::node::kDataMax, "data is short");
    require(!wire::node::key_of(query).empty(), "a query has a key");
    if ((granted = !granted)) {
      session.grant(query, query.data);
    } else {
      session.refuse(query, 98);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] == 0 ? size : data[0];
  protocols::NodeSession session(data[0] % 2 == 0 ? core::ReadyWhen::notify : core::ReadyWhen::message);
  std::string_view rest{reinterpret_cast<const char*>(data) + 1, size - 1};
  while (!rest.empty()) {
    answer(session, session.receive(rest.substr(0, piece)));
    rest.remove_prefix(std::min(piece, rest.size()));
    while (const auto* line = session.outgoing()) {
      require(line->text.ends_with('\n') && std::ranges::count(line->text, '\n') == 1, "a line is one line");
      session.sent();
    }
  }
  session.ask_to_drain("shutdown");
  return 0;
}
