#include "config/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/text.hpp"
#include "config/utf8.hpp"

namespace liveswap::config {

namespace {

// Lines up to that length are shown whole; of longer ones, that much before and after the caret.
constexpr std::size_t kExcerptWhole = 110;
constexpr std::size_t kExcerptBefore = 60;
constexpr std::size_t kExcerptAfter = 40;

// Messages hold what the file holds, as names of keys.
constexpr std::size_t kMessageCharactersMax = 1000;

struct Cell {
  std::string text;   // as shown
  std::string below;  // what keeps a caret line in step with it
};

// The line as cells of one character each, fit for a terminal.
std::vector<Cell> cells_of(std::string_view line) {
  std::vector<Cell> cells;
  while (!line.empty()) {
    auto character = first_character(line);
    std::size_t bytes = character ? character->bytes : 1;
    if (line[0] == '\t') {
      cells.push_back({"\t", "\t"});
    } else if (!character || character->code < 0x20 || (character->code >= 0x7F && character->code <= 0x9F)) {
      cells.push_back({"?", " "});
    } else {
      cells.push_back({std::string(line.substr(0, bytes)),
                       std::string(static_cast<std::size_t>(terminal_width(character->code)), ' ')});
    }
    line.remove_prefix(bytes);
  }
  return cells;
}

}  // namespace

std::string excerpt(const Source& source, std::size_t offset) {
  auto cells = cells_of(source.line_at(offset));
  auto caret = static_cast<std::size_t>(source.position(offset).column) - 1;
  if (cells.empty()) return "";
  bool whole = cells.size() <= kExcerptWhole;
  std::size_t first = !whole && caret > kExcerptBefore ? caret - kExcerptBefore : 0;
  std::size_t last = whole ? cells.size() : std::min(cells.size(), caret + kExcerptAfter);
  std::string shown = first > 0 ? "…" : "";
  std::string below = first > 0 ? " " : "";
  for (std::size_t i = first; i < last; ++i) {
    shown += cells[i].text;
    if (i < caret) below += cells[i].below;
  }
  if (last < cells.size()) shown += "…";
  return fmt::format("  {}\n  {}^\n", shown, below);
}

std::string render(const Diagnostic& diagnostic) {
  std::string place = diagnostic.file;
  if (diagnostic.at.line > 0) place += fmt::format(":{}:{}", diagnostic.at.line, diagnostic.at.column);
  auto label = diagnostic.severity == Severity::warning ? "warning: " : "";
  return fmt::format("{}: {}{}\n{}", place, label, diagnostic.message, diagnostic.excerpt);
}

std::string render(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const auto& diagnostic : diagnostics) text += render(diagnostic);
  return text;
}

Diagnostic about_file(std::string file, std::string message) {
  return {.severity = Severity::error,
          .file = std::move(file),
          .at = {},
          .message = std::move(message),
          .excerpt = ""};
}

void Findings::error(std::size_t offset, std::string_view message) {
  findings_.insert({offset, Severity::error, one_line(message, kMessageCharactersMax)});
  has_errors_ = true;
}

void Findings::warning(std::size_t offset, std::string_view message) {
  findings_.insert({offset, Severity::warning, one_line(message, kMessageCharactersMax)});
}

std::vector<Diagnostic> Findings::selected(Severity severity) const {
  std::vector<Diagnostic> out;
  std::size_t left_out = 0;
  for (const auto& finding : findings_) {
    if (finding.severity != severity) continue;
    if (out.size() == kDiagnosticsMax) {
      ++left_out;
      continue;
    }
    auto at = source_.position(finding.offset);
    out.push_back({severity, source_.name(), at, finding.message, excerpt(source_, finding.offset)});
  }
  if (left_out > 0) out.push_back({severity, source_.name(), {}, fmt::format("and {} more", left_out), ""});
  return out;
}

}  // namespace liveswap::config
