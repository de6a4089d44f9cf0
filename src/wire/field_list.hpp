// Texts that lie one behind the other, each ended by a NUL: a view, which borrows the bytes it was made from.
// Made only from bytes that are empty or end in NUL (well_formed()); iterating needs no allocation, and each
// text's data() is NUL-terminated, as exec(3) wants it.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

#include "wire/slice.hpp"

namespace liveswap::wire {

class FieldList {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using pointer = const std::string_view*;
    using reference = std::string_view;

    Iterator() = default;
    explicit Iterator(std::string_view rest) : rest_(rest) {}
    std::string_view operator*() const { return slice(rest_, 0, length()); }
    Iterator& operator++() {
      rest_.remove_prefix(length() + 1);
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    [[nodiscard]] std::size_t length() const { return rest_.find('\0'); }
    std::string_view rest_;
  };

  FieldList() = default;
  explicit FieldList(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] static bool well_formed(std::string_view bytes) {
    return bytes.empty() || bytes.back() == '\0';
  }

  [[nodiscard]] Iterator begin() const { return Iterator{bytes_}; }
  [[nodiscard]] Iterator end() const { return Iterator{std::string_view{}}; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const {
    std::size_t count = 0;
    for (const char c : bytes_) count += c == '\0' ? 1 : 0;
    return count;
  }

  bool operator==(const FieldList&) const = default;

 private:
  std::string_view bytes_;
};

}  // namespace liveswap::wire
