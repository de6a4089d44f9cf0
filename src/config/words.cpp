#include "config/words.hpp"

#include <fmt/format.h>

#include "config/circus.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

constexpr std::string_view kNoShell = "no shell is run: quote it, or write [sh, -c, …]";

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::expected<std::vector<Word>, WordError> split() {
    while (at_ < text_.size() && error_.message.empty()) step();
    if (!error_.message.empty()) return std::unexpected(error_);
    end_word();
    return std::move(words_);
  }

 private:
  void step() {
    char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      end_word();
      ++at_;
      return;
    }
    if (text_.substr(at_).starts_with("\\\n")) {  // a line goes on
      at_ += 2;
      return;
    }
    if (auto length = circus_reference(text_.substr(at_)); length > 0) return circus(length);
    if (c == '#' && !in_word_) return fail(at_, "# begins a comment in a shell: quote it");
    begin_word();
    if (c == '\'') {
      single_quotes();
    } else if (c == '"') {
      double_quotes();
    } else if (c == '\\') {
      backslash();
    } else if (std::string_view("|&;<>()`").find(c) != std::string_view::npos) {
      fail(at_,
           fmt::format("{} means something to a shell only; {}", quoted(text_.substr(at_, 1)), kNoShell));
    } else if (is_command_substitution()) {
      fail(at_, fmt::format("\"$(\" means something to a shell only; {}", kNoShell));
    } else {
      words_.back().text += c;
      ++at_;
    }
  }

  void begin_word() {
    if (!in_word_) words_.push_back({.text = "", .offset = at_});
    in_word_ = true;
  }

  void end_word() { in_word_ = false; }

  // It looks like a shell's, and is not.
  void circus(std::size_t length) {
    begin_word();
    words_.back().text += text_.substr(at_, length);
    at_ += length;
  }

  void fail(std::size_t offset, std::string message) { error_ = {offset, std::move(message)}; }

  bool is_command_substitution() const { return text_.substr(at_).starts_with("$("); }

  void single_quotes() {
    auto close = text_.find('\'', at_ + 1);
    if (close == std::string_view::npos) return fail(at_, "this ' is not closed");
    words_.back().text += text_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
  }

  // As in a shell: a backslash escapes only what would mean something here.
  void double_quotes() {
    auto open = at_++;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (auto length = circus_reference(text_.substr(at_)); length > 0) {
        circus(length);
        --at_;
        continue;
      }
      if (is_command_substitution() || text_[at_] == '`') {
        return fail(at_, fmt::format("{} means something to a shell only; {}",
                                     text_[at_] == '`' ? "\"`\"" : "\"$(\"", kNoShell));
      }
      bool escapes = text_[at_] == '\\' && at_ + 1 < text_.size() &&
                     std::string_view("\"\\$`\n").find(text_[at_ + 1]) != std::string_view::npos;
      if (escapes) {
        add_escaped(text_[++at_]);
      } else {
        words_.back().text += text_[at_];
      }
    }
    if (at_ == text_.size()) return fail(open, "this \" is not closed");
    ++at_;
  }

  void backslash() {
    if (at_ + 1 == text_.size()) return fail(at_, "a \\ at the end escapes nothing");
    add_escaped(text_[at_ + 1]);
    at_ += 2;
  }

  // An escaped dollar is meant as it is, and `${…}` is looked for only after splitting: so it is doubled.
  void add_escaped(char c) {
    if (c == '\n') return;
    words_.back().text += c;
    if (c == '$') words_.back().text += c;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_word_ = false;
  std::vector<Word> words_;
  WordError error_;
};

}  // namespace

std::expected<std::vector<Word>, WordError> split_words(std::string_view text) {
  return Splitter(text).split();
}

}  // namespace liveswap::config
