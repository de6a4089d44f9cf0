#include "master/line_queue.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace liveswap::master {

bool LineQueue::add(std::string_view label, std::string_view line) {
  tell_dropped();
  const std::size_t size = label.size() + line.size() + 1;
  if (dropped_ > 0 || bytes().size() + size > bytes_max_) {
    ++dropped_;
    return false;
  }
  bytes_.append(label).append(line).push_back('\n');
  return true;
}

void LineQueue::written(std::size_t count) {
  if (count == 0) return;
  inside_line_ = bytes()[count - 1] != '\n';
  written_ += count;
  if (!empty()) return;
  bytes_.clear();
  written_ = notice_size_ = 0;
  begin_with_notice();
}

void LineQueue::drop_all() {
  const bool noticed = written_ >= notice_size_;
  const std::string_view lost = std::string_view(bytes_).substr(std::max(written_, notice_size_));
  dropped_ += static_cast<std::uint64_t>(std::ranges::count(lost, '\n')) + (noticed ? 0 : announced_);
  bytes_.clear();
  written_ = notice_size_ = 0;
}

void LineQueue::begin_with_notice() {
  if (dropped_ == 0) return;
  if (inside_line_) bytes_.push_back('\n');  // the rest of a line could not be written
  bytes_ += fmt::format("(liveswap: {} line{} dropped)\n", dropped_, dropped_ == 1 ? "" : "s");
  notice_size_ = bytes_.size();
  announced_ = dropped_;
  dropped_ = 0;
}

}  // namespace liveswap::master
