// Cuts a stream of bytes from a stranger into lines. Pure; one for each stream.
//
// A line is handed on whole, without its line break, or not at all: one that grows longer than `max` is passed over to
// its end and handed on as nothing, so that a peer can neither fill the memory nor be misunderstood. (What people read
// goes through master/line_splitter.hpp, which hands on all of it in parts.)
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace liveswap::wire {

class LineReader {
 public:
  // No line: it was too long.
  using Take = std::function<void(std::optional<std::string_view> line)>;

  explicit LineReader(std::size_t max) : max_(max) {}

  void feed(std::string_view bytes, const Take& take);

  // A line is begun and not ended.
  [[nodiscard]] bool has_part() const { return passing_over_ || !part_.empty(); }

  // For whoever goes on where another process has stopped (core/archive.hpp).
  template <class Archive>
  void persist(Archive& archive) {
    archive(part_, passing_over_);
  }

 private:
  std::size_t max_;
  std::string part_;
  bool passing_over_ = false;
};

}  // namespace liveswap::wire
