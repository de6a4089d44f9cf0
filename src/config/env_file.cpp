#include "config/env_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/scalars.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

class EnvFileParser {
 public:
  EnvFileParser(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  std::expected<Variables, std::string> parse() {
    if (auto zero = text_.find('\0'); zero != std::string_view::npos) fail(zero, "a NUL character");
    while (error_.empty() && at_ < text_.size()) line();
    if (!error_.empty()) return std::unexpected(error_);
    return std::move(variables_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  bool at_line_end() const { return at_end() || text_[at_] == '\n'; }

  void skip_blanks() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }

  void skip_line() {
    while (!at_line_end()) ++at_;
    ++at_;
  }

  void fail(std::size_t offset, std::string_view message) {
    auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
    error_ = fmt::format("{}:{}: {}", name_, line, message);
  }

  void line() {
    skip_blanks();
    if (at_line_end() || text_[at_] == '#' || text_[at_] == ';') return skip_line();
    if (text_.substr(at_).starts_with("export ")) {
      at_ += std::string_view("export ").size();
      skip_blanks();
    }
    auto rest = text_.substr(at_);
    rest = rest.substr(0, rest.find('\n'));
    auto equals = rest.find('=');
    if (equals == std::string_view::npos) return fail(at_, fmt::format("{} has no =", quoted(rest)));
    auto variable = rest.substr(0, equals);
    if (!is_variable_name(variable)) return fail(at_, fmt::format("{} is not a name", quoted(variable)));
    at_ += equals + 1;
    skip_blanks();
    auto value_text = value();
    if (error_.empty()) variables_.emplace_back(variable, std::move(value_text));
  }

  // Up to the line's end; quoted and unquoted pieces follow each other as in a shell.
  std::string value() {
    std::string out;
    std::size_t kept = 0;  // of `out`; blanks behind it are the line's end
    while (!at_line_end() && error_.empty()) {
      char c = text_[at_];
      if (c == '\'' || c == '"') {
        quoted_piece(c, out);
        kept = out.size();
      } else if (c == '\\' && at_ + 1 < text_.size()) {
        if (text_[at_ + 1] != '\n') out += text_[at_ + 1];
        at_ += 2;
        kept = out.size();
      } else {
        out += c;
        ++at_;
        if (c != ' ' && c != '\t' && c != '\r') kept = out.size();
      }
    }
    ++at_;
    out.resize(kept);
    return out;
  }

  void quoted_piece(char quote, std::string& out) {
    auto open = at_++;
    for (; !at_end() && text_[at_] != quote; ++at_) {
      bool escapes = quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size() &&
                     std::string_view("\"\\$`\n").find(text_[at_ + 1]) != std::string_view::npos;
      if (escapes && text_[++at_] == '\n') continue;
      out += text_[at_];
    }
    if (at_end()) return fail(open, fmt::format("this {} is not closed", quote));
    ++at_;
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
  Variables variables_;
  std::string error_;
};

}  // namespace

std::expected<Variables, std::string> parse_env_file(std::string_view text, std::string_view name) {
  return EnvFileParser(text, name).parse();
}

}  // namespace liveswap::config
