#include "master/line_sink.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace liveswap::master {
namespace {

constexpr std::size_t kFlushAt = 65536;  // bytes: more than that is not kept for the sake of fewer system calls

}  // namespace

void LineSink::add(std::string_view label, std::string_view line) {
  queue_.add(label, line);
  if (!waiting_ && queue_.bytes().size() >= kFlushAt) flush();
}

void LineSink::flush() {
  queue_.tell_dropped();
  while (!queue_.empty()) {
    const auto written = target_.write(queue_.bytes());
    if (!written) return give_up();
    if (*written == 0) break;
    queue_.written(*written);
  }
  if (queue_.empty() != waiting_) return;  // it waits as it should
  waiting_ = !waiting_;
  if (!watch_) {
    const auto writable = target_.writable();
    if (!writable) return give_up();
    auto watch = loop::FdWatch::open(loop_, *writable, {}, [this](loop::Readiness) { flush(); });
    if (!watch) return give_up();
    watch_ = std::move(*watch);
  }
  watch_->want({.readable = waiting_});
}

// Nobody to tell: this is where it would be told. The next flush tries again, and says how many are missing.
void LineSink::give_up() {
  queue_.drop_all();
  waiting_ = false;
  if (watch_) watch_->want({});
}

std::uint64_t LineSink::finish(std::chrono::milliseconds patience) {
  const auto give_up_at = loop_.now() + patience;
  flush();
  while (waiting_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up_at - loop_.now());
    const auto writable = target_.writable();
    if (left.count() <= 0 || !writable) break;
    pollfd poll_fd{writable->get(), POLLIN, 0};
    (void)::poll(&poll_fd, 1, static_cast<int>(left.count()));
    flush();
  }
  if (waiting_) give_up();
  return queue_.dropped();
}

}  // namespace liveswap::master
