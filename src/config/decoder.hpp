// What all decoders of sections share: typed access to the keys of one map, with every misfit told in
// `findings`.
//
// A decoder asks its Section for each key; a value that does not fit is told and leaves the default in place,
// so that decoding goes on and finds the next mistake. Unknown keys are told by check_keys() before any
// decoder runs.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/facts.hpp"
#include "config/node.hpp"
#include "config/scalars.hpp"
#include "config/source.hpp"
#include "core/choices.hpp"

namespace liveswap::config {

// Borrowed by all decoders of one file.
struct Context {
  const Source& source;
  Findings& findings;
  const Facts& facts;
  std::string folder;  // of the file, absolute
};

// A word of the file and where it stands.
struct PlacedWord {
  std::string text;
  std::size_t offset = 0;
  bool exact = false;  // text[i] stands at offset + i: no escapes, no folding
};

// "nothing", "a value", "a list", "a map"
std::string_view name_of(NodeKind kind);

PlacedWord placed(const Context& context, const Node& word);

// What a key's value is parsed to: the type of the plan's field, without its optional.
template <class T>
struct ValueOf {
  using type = T;
};
template <class T>
struct ValueOf<std::optional<T>> {
  using type = T;
};

class Section {
 public:
  // `map`: null where the section is left out, as is every key then. `label` goes before the key in messages:
  // "ready".
  Section(Context& context, const Node* map, std::string label);

  bool has(std::string_view key) const { return find(key) != nullptr; }
  const Node* find(std::string_view key) const;
  // Tells an error at the value of `key`, as `LABEL.KEY: MESSAGE`.
  void error(std::string_view key, std::string_view message);
  void error_at(std::size_t offset, std::string_view key, std::string_view message);
  void warning(std::string_view key, std::string_view message);

  // The map below `key`; tells what is there instead.
  Section section(std::string_view key);

  // The value of `key` as one word; tells lists, maps and missing values.
  std::optional<PlacedWord> word(std::string_view key);
  // The value of `key`, a word or a list of words; `what` a list would hold, for messages.
  std::optional<std::vector<PlacedWord>> words(std::string_view key, std::string_view what);

  // Parses the value of `key` into `target`. `parse`: std::string_view to Parsed<…>.
  template <class T, class Parse>
  void take(std::string_view key, T& target, Parse parse) {
    auto value = word(key);
    if (!value) return;
    auto parsed = parse(std::string_view(value->text));
    if (parsed) {
      target = static_cast<typename ValueOf<T>::type>(*parsed);
    } else {
      error(key, parsed.error());
    }
  }

  // A key whose value is one of the words for an enum of core/choices.hpp.
  template <class Enum>
  void take_choice(std::string_view key, Enum& target) {
    take(key, target, [](std::string_view text) { return parse_choice(text, core::names<Enum>()); });
  }

  void take_duration(std::string_view key, core::Duration& target, DurationRule rule = {});

  Context& context() { return context_; }

 private:
  std::string name_of_key(std::string_view key) const;

  Context& context_;
  const Node* map_;
  std::string label_;
};

}  // namespace liveswap::config
