// The `${…}` of commands, cwd and env: a word is parsed to parts, and parts are replaced by values.
//
// `$$` is a `$`, any other `$` stays but that of circus's names (circus.hpp). What replaces a part is never looked at
// again. A word is checked when the file is read (names, forms) and expanded when a release or a worker is made
// (values); pure, both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plan.hpp"

namespace liveswap::config {

enum class Variable {
#define VARIABLE(name, argument, known, doc) name,
#include "config/variables.def"
#undef VARIABLE
};

struct Part {
  std::optional<Variable> variable;  // none: literal text
  std::string text;                  // the text, or the name of a listener or environment variable
  std::size_t index = 0;             // which socket of the listener
  bool is_circus = false;            // written as circus has it: the slot counts from 1, and case does not matter
  std::size_t offset = 0;            // into the word
};
using Template = std::vector<Part>;

struct TemplateError {
  std::size_t offset = 0;  // into the word
  std::string message;
};

std::expected<Template, TemplateError> parse_template(std::string_view word);

// `${fd:http:1}`
std::string text_of(const Part& part);

// Whether the listener of that name is the one that the part names.
bool names_listener(const Part& part, std::string_view listener);

// A word that expands to `text`, whatever stands in it.
std::string as_template(std::string_view text);

// Whether the part's value differs from worker to worker of a release.
bool is_per_worker(Variable variable);

// A variable of a release's environment. What differs from worker to worker is still a template, for
// `expand`.
struct EnvValue {
  std::string text;
  bool per_worker = false;  // `text` is a template, else it is the value
  bool operator==(const EnvValue&) const = default;
};
using Environment = std::map<std::string, EnvValue, std::less<>>;

// One socket of a listener, as `${fd: addr: port:}` give it.
struct SocketValue {
  std::string listener;
  std::string address;                // without port and brackets; Unix: the path, or the name with its @
  std::optional<std::uint16_t> port;  // tcp, udp: the real one
  std::optional<int> fd;              // in the worker; none where the app does not list the listener
};

SocketValue socket_value(std::string listener, const core::Address& address, std::uint16_t real_port,
                         std::optional<int> fd);

// What is known when a word is expanded; what is not set is an error where a word asks for it.
struct Values {
  std::vector<SocketValue> sockets;  // of all listeners; those of one listener in its order
  std::optional<std::string> target;
  std::optional<std::uint32_t> slot;
  std::optional<std::uint64_t> generation;
  std::optional<std::uint64_t> release;
  const Environment* environment = nullptr;  // borrowed
};

// The error completes a sentence that begins with what was being expanded.
std::expected<std::string, std::string> expand(std::string_view word, const Values& values);

// Expands what is the same for all workers of the release and leaves the rest for `expand`: also ${release},
// so that a release can be compared with another. A descriptor that no worker will have is an error already.
std::expected<EnvValue, std::string> expand_for_release(std::string_view word, const Values& values);

}  // namespace liveswap::config
