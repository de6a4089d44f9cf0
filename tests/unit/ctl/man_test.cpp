// liveswapctl(8) and liveswap-control(7) say what the tables say.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "core/tables.hpp"
#include "ctl/arguments.hpp"
#include "ctl/man_pages.hpp"

namespace liveswap::ctl {
namespace {

std::string page(const char* path) {
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  REQUIRE(text.size() > 1000);
  return text;
}

// From `begin` to the next `end` behind it; fails where either is missing.
std::string part(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  CAPTURE(begin);
  REQUIRE(from != std::string::npos);
  const std::size_t to = text.find(end, from + begin.size());
  REQUIRE(to != std::string::npos);
  return text.substr(from, to - from);
}

bool has(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

std::string sentence(std::string_view meaning) {
  std::string text(meaning);
  text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text + ".";
}

std::string section_of(wire::control::Level level) {
  switch (level) {
    case wire::control::Level::observers: return ".Ss For observers\n";
    case wire::control::Level::operators: return ".Ss For operators\n";
    case wire::control::Level::admins: return ".Ss For admins\n";
    default: return ".Ss Without a master\n";
  }
}

TEST_CASE("every command stands in the section of its level, with its options") {
  const std::string client = page(kClientPage);
  for (const auto& command : wire::control::commands()) {
    CAPTURE(command.name);
    const std::string section = part(client, section_of(command.level), "\n.S");
    const std::string entry =
        part(section + "\n.It Ic ", "\n.It Ic " + std::string(command.name), "\n.It Ic ");
    for (const Option& option : options_of(command.name)) {
      CAPTURE(option.name);
      if (option.command.empty()) continue;
      CHECK(has(entry, "Fl Fl " + std::string(option.name)));
      if (option.letter != '\0') CHECK(has(entry, std::string("Fl ") + option.letter));
    }
  }
}

TEST_CASE("the options of every command have their entries") {
  const std::string section = part(page(kClientPage), ".Ss Options of every command\n", "\n.Sh");
  for (const Option& option : options_of("")) {
    std::string entry =
        option.letter != '\0' ? std::string(".It Fl ") + option.letter + " , Fl Fl " : ".It Fl Fl ";
    entry += std::string(option.name);
    CAPTURE(entry);
    CHECK(has(section, entry));
  }
}

TEST_CASE("every reason code and every event has its entry, with its meaning") {
  const std::string client = page(kClientPage);
  const auto check = [&](const std::string& entry) {
    CAPTURE(entry);
    CHECK(has(client, entry));
  };
#define REASON(name, meaning, next) \
  if (std::string_view(meaning) != "") check("\n.It " #name "\n" + sentence(meaning) + "\n");
#include "core/reasons.def"
#undef REASON
#define NOTE(name, level, meaning) check("\n.It " #name " Pq " #level "\n" + sentence(meaning) + "\n");
#include "core/notes.def"
#undef NOTE
}

TEST_CASE("every result and exit status is there") {
  const std::string client = page(kClientPage);
  const std::string results = part(client, ".Ss JSON\n", "\n.Ss ");
#define RESULT(name, meaning) CHECK(has(results, #name));
#include "core/results.def"
#undef RESULT
  const std::string statuses = part(client, ".Sh EXIT STATUS\n", "\n.Sh ");
  for (const char* status : {"0", "1", "2", "3", "4", "5", "6", "7", "130"}) {
    CHECK(has(statuses, std::string("\n.It ") + status + "\n"));
  }
}

TEST_CASE("every method has its row, and every error its status") {
  const std::string control = page(kControlPage);
  for (const char* row : {
#define COMMAND(name, Method, level, replies, ...) \
  "\n.It " name " Ta " #Method " Ta " #level " Ta " #replies "\n",
#define LOCAL_COMMAND(...)
#define METHOD(Method, level, replies) "\n.It \\(em Ta " #Method " Ta " #level " Ta " #replies "\n",
#include "wire/commands.def"
#undef COMMAND
#undef LOCAL_COMMAND
#undef METHOD
#define CONTROL_ERROR(name, status, meaning) "\n.It " #name " Pq status " #status "\n",
#include "wire/control_errors.def"
#undef CONTROL_ERROR
       }) {
    CAPTURE(row);
    CHECK(has(control, row));
  }
}

}  // namespace
}  // namespace liveswap::ctl
