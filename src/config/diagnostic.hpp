// What is wrong with a configuration file, and where.
//
// `Findings` collects while a file is read, so that all errors of meaning are told at once; `Diagnostic` is
// one of them as a plain value, complete in itself: the text that it was found in may be gone.
#pragma once

#include <compare>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/source.hpp"

namespace liveswap::config {

enum class Severity { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  Position at;          // line 0: the file as a whole
  std::string message;  // one line, without file and place
  std::string excerpt;  // the source line and a caret line under it; "" where there is no place
  bool operator==(const Diagnostic&) const = default;
};

// `web.yaml:12:5: unknown key "worker" (did you mean "workers"?)`, then the excerpt. Ends with a line end.
std::string render(const Diagnostic& diagnostic);
std::string render(const std::vector<Diagnostic>& diagnostics);

// A diagnostic about a file as a whole: `web.yaml: No such file or directory`.
Diagnostic about_file(std::string file, std::string message);

// The source line that holds `offset` and a caret under the character there: tabs stay tabs so that the caret
// lines up in every terminal, control characters are blanked, and of a long line only the part around the
// caret is shown.
// "" for an empty line.
std::string excerpt(const Source& source, std::size_t offset);

class Findings {
 public:
  explicit Findings(const Source& source) : source_(source) {}

  // The message is made fit for a terminal.
  void error(std::size_t offset, std::string_view message);
  void warning(std::size_t offset, std::string_view message);
  bool has_errors() const { return has_errors_; }

  // In the file's order, at most kDiagnosticsMax and then a line that says how many more there are.
  std::vector<Diagnostic> errors() const { return selected(Severity::error); }
  std::vector<Diagnostic> warnings() const { return selected(Severity::warning); }

 private:
  struct Finding {
    std::size_t offset;
    Severity severity;
    std::string message;
    auto operator<=>(const Finding&) const = default;
  };
  std::vector<Diagnostic> selected(Severity severity) const;

  const Source& source_;
  std::set<Finding> findings_;  // a set: what an alias repeats is written once, so it is told once
  bool has_errors_ = false;
};

// A file with more mistakes than that is the wrong file.
inline constexpr std::size_t kDiagnosticsMax = 50;

}  // namespace liveswap::config
