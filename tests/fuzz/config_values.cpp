// Single values of a configuration: the first byte of an input says which, the rest is the text.
#include <string>

#include "config/address.hpp"
#include "config/env_file.hpp"
#include "config/expand.hpp"
#include "config/scalars.hpp"
#include "config/target_kind.hpp"
#include "config/text.hpp"
#include "config/utf8.hpp"
#include "config/words.hpp"
#include "core/text.hpp"
#include "require.hpp"

namespace {

using namespace liveswap;
using namespace liveswap::config;

void try_words(const std::string& text) {
  const auto words = split_words(text);
  if (!words) return require(words.error().offset <= text.size(), "an error is in the text");
  std::size_t last = 0;
  for (const auto& word : *words) {
    require(word.offset >= last && word.offset < text.size(), "words follow each other");
    last = word.offset + 1;
  }
}

void try_first_line(const std::string& text) {
  const auto kind = kind_of_target("x", false, "#!" + text);
  if (!kind) return;
  require(!kind->interpreter.empty() && kind->interpreter.size() <= 2, "an interpreter, and one word at most");
  for (const std::string& word : kind->interpreter) {
    require(!word.empty() && word.find_first_of(std::string("\n\0", 2)) == std::string::npos, "words can be passed on");
  }
}

void try_template(const std::string& text) {
  const auto parts = parse_template(text);
  if (!parts) require(parts.error().offset < text.size(), "an error is in the text");
  require(expand(as_template(text), {}) == text, "any text is a template's text");
  Values values;
  values.sockets = {{.listener = "http", .address = "::1", .port = 80, .fd = 3}};
  values.target = "/srv/$x";
  values.release = 7;
  const Environment environment{{"A", {"$1"}}, {"B", {"${slot}$$", true}}};
  values.environment = &environment;
  const auto first = expand_for_release(text, values);
  values.slot = 1;
  values.generation = 2;
  const auto at_once = expand(text, values);
  require(first.has_value() == at_once.has_value(), "both ways or neither");
  if (!first) return;
  const auto later = first->per_worker ? expand(first->text, values) : first->text;
  require(later == at_once, "in two steps as in one");
}

void try_address(const std::string& text) {
  const auto addresses = parse_address(text, "/srv");
  if (!addresses) return;
  require(!addresses->empty() && addresses->size() <= 2, "one address, or localhost's two");
  for (const auto& address : *addresses) {
    const core::SocketOptions options;
    require(address.port == 0 && !is_unix(address.kind)
                ? true
                : !conflict({address, options}, {address, options}).empty(),
            "an address excludes itself");
    auto again = parse_address(text_of(address), "/");
    require(again && again->size() == 1, "what is shown reads as an address");
    auto& same = again->front();
    require(same.kind == address.kind && same.host == address.host && same.port == address.port &&
                same.path == address.path && same.abstract == address.abstract,
            "what is shown reads as the same");
  }
}

void try_scalars(const std::string& text) {
  if (const auto duration = parse_duration(text)) {
    const auto shown = parse_duration(core::text_of(*duration));
    require(shown && *shown <= *duration, "a duration that is shown reads as one, at most rounded down");
  }
  if (const auto signal = parse_signal(text)) require(*signal >= 1 && *signal <= 64, "a signal is one");
  if (const auto amount = parse_amount(text))
    require(!amount->percent || amount->value <= 100, "percentages");
  if (const auto mode = parse_mode(text)) require(*mode <= 0777, "a mode is one");
  if (const auto limit = parse_limit("nofile", text))
    require(limit->soft <= limit->hard, "soft is not above hard");
  require(!find_invalid_utf8(quoted(text)), "quoted text is UTF-8");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      try_words(text);
      try_first_line(text);
      break;
    case 1: try_template(text); break;
    case 2: try_address(text); break;
    case 3: try_scalars(text); break;
    default:
      for (const auto& [name, value] :
           parse_env_file(text, "env").value_or(std::vector<std::pair<std::string, std::string>>{})) {
        require(is_variable_name(name), "a variable has a name");
        require(value.find('\0') == std::string::npos, "a value can be passed on");
      }
  }
  return 0;
}
