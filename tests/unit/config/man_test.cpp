// liveswap.yaml(5) says what the tables say, and its examples are good files.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "config/expand.hpp"
#include "config/keys.hpp"
#include "config/man_page.hpp"
#include "config/scalars.hpp"
#include "helpers.hpp"

using namespace liveswap::config;

namespace {

std::vector<std::string> page_lines() {
  std::ifstream page(kManPage);
  std::vector<std::string> lines;
  for (std::string line; std::getline(page, line);) lines.push_back(line);
  REQUIRE(lines.size() > 100);
  return lines;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// A displayed block of the page, and the comment above it.
struct Block {
  std::string comment;
  std::string text;
};

std::vector<Block> blocks() {
  std::vector<Block> out;
  bool inside = false;
  std::string above;
  for (const auto& line : page_lines()) {
    if (line == ".Bd -literal -offset indent") {
      out.push_back({above.starts_with(".\\\" ") ? above.substr(4) : "", ""});
      inside = true;
    } else if (line == ".Ed") {
      inside = false;
    } else if (inside) {
      out.back().text += replaced(line, "\\(ha", "^") + "\n";
    }
    above = line;
  }
  return out;
}

// The lines of a `.Ss` part of the page.
std::vector<std::string> part(const std::string& title) {
  auto lines = page_lines();
  auto first = std::find(lines.begin(), lines.end(), ".Ss " + title);
  REQUIRE(first != lines.end());
  auto last = std::find_if(first + 1, lines.end(), [](const std::string& line) {
    return line.starts_with(".Ss ") || line.starts_with(".Sh ");
  });
  return {first, last};
}

// The head of a key's entry, and the part that it stands in.
std::pair<std::string, std::string> entry_of(const Key& key) {
  std::string part = "Top level", name(key.path);
  for (const auto& [prefix, title] : {std::pair{"listeners.*.", "Listeners"}, {"apps.*.", "Apps"}}) {
    if (!name.starts_with(prefix)) continue;
    name.erase(0, std::string(prefix).size());
    part = title;
  }
  auto head = ".It Ic " + name + " Pq " + std::string(key.type);
  if (key.fallback.empty()) return {part, head};
  return {part,
          head + (key.fallback.starts_with("needed") ? "; " : "; default: ") + std::string(key.fallback)};
}

bool contains(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

}  // namespace

TEST_CASE("every key has its entry in the man page, with the type and default of the table") {
  std::size_t described = 0;
  for (const auto& key : all_keys()) {
    if (key.path.ends_with('*')) continue;  // a name that the operator chooses
    auto [title, head] = entry_of(key);
    CAPTURE(head);
    CHECK(contains(part(title), head));
    ++described;
  }
  std::size_t entries = 0;
  for (const auto& line : page_lines()) entries += line.starts_with(".It Ic ") ? 1U : 0U;
  CHECK(entries == described);
}

TEST_CASE("every variable has its entry in the man page") {
#define VARIABLE(name, argument, known, doc)                                                            \
  CHECK(contains(part("Variables"), std::string(#argument) == "none"       ? ".It Li ${" #name "}"      \
                                    : std::string(#argument) == "listener" ? ".It Li ${" #name ":NAME}" \
                                                                           : ".It Li ${" #name ":VAR}"));
#include "config/variables.def"
#undef VARIABLE
}

TEST_CASE("every limit is named in the man page") {
  std::string all;
#define LIMIT(name, resource) all += std::string(all.empty() ? "" : " ") + name;
#include "config/limits.def"
#undef LIMIT
  CHECK(contains(part("Apps"), ".Ql " + all + " ."));
}

TEST_CASE("every example of the man page is a good file, and the bad one is told as it says") {
  std::string bad;
  std::size_t good = 0;
  for (const auto& block : blocks()) {
    if (block.comment == "The errors of this file:") {
      bad = block.text;
    } else if (block.comment == "are these:") {
      CHECK(told(bad) == block.text);
      bad.clear();
    } else {
      CHECK(told(block.text, test_facts(0)) == "");
      ++good;
    }
  }
  CHECK(good == 5);
  CHECK(bad == "");
}

TEST_CASE("the examples of the man page are in block style") {
  for (const auto& block : blocks()) {
    if (block.comment.empty()) CHECK(block.text.find(": {") == std::string::npos);
  }
}
