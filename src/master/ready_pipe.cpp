#include "master/ready_pipe.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "os/pipe.hpp"

namespace liveswap::master {
namespace {

constexpr int kPiecesATurn = 16;  // a worker that never stops writing leaves the others their turn

}  // namespace

os::Result<std::unique_ptr<ReadyPipe>> ReadyPipe::open(loop::Loop& loop, std::string_view wanted, Handlers handlers) {
  auto ends = os::open_pipe();
  if (!ends) return std::unexpected(ends.error());
  auto pipe = std::unique_ptr<ReadyPipe>(new ReadyPipe(wanted, std::move(handlers)));
  pipe->ours_ = std::move(ends->read);
  pipe->theirs_ = std::move(ends->write);
  auto watch = loop::FdWatch::open(loop, pipe->ours_, {.readable = true},
                                   [self = pipe.get()](loop::Readiness) { self->on_readable(); });
  if (!watch) return std::unexpected(watch.error());
  pipe->watch_ = std::move(*watch);
  return pipe;
}

void ReadyPipe::finish() {
  handlers_.closed = [] {};
  on_readable();
}

void ReadyPipe::on_readable() {
  for (int i = 0; i < kPiecesATurn && watch_; ++i) {
    std::array<char, 4096> piece{};
    const ssize_t size = os::retry_interrupted([&] { return ::read(ours_.get(), piece.data(), piece.size()); });
    if (size == -1 && errno == EAGAIN) return;
    if (size <= 0) {
      watch_.reset();
      return handlers_.closed();
    }
    seen_.append(piece.data(), static_cast<std::size_t>(size));
    if (seen_.contains(wanted_)) {
      watch_.reset();
      ours_.reset();
      return handlers_.ready();
    }
    seen_.erase(0, seen_.size() - std::min(seen_.size(), wanted_.size() - 1));
  }
}

}  // namespace liveswap::master
