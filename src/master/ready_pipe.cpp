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
  if (auto watched = pipe->watch(loop); !watched) return std::unexpected(watched.error());
  return pipe;
}

os::Result<std::unique_ptr<ReadyPipe>> ReadyPipe::go_on(loop::Loop& loop, std::string_view wanted, Handlers handlers,
                                                        LeftPart left, std::string seen) {
  auto pipe = std::unique_ptr<ReadyPipe>(new ReadyPipe(wanted, std::move(handlers)));
  pipe->ours_ = std::move(left.fd);
  pipe->kept_ = std::move(left.part);
  pipe->seen_ = std::move(seen);
  if (auto watched = pipe->watch(loop); !watched) return std::unexpected(watched.error());
  return pipe;
}

std::unique_ptr<ReadyPipe> ReadyPipe::ended(std::string_view wanted) {
  return std::unique_ptr<ReadyPipe>(new ReadyPipe(wanted, {}));
}

os::Result<void> ReadyPipe::watch(loop::Loop& loop) {
  auto watch = loop::FdWatch::open(loop, ours_, {.readable = true}, [this](loop::Readiness) { on_readable(); });
  if (!watch) return std::unexpected(watch.error());
  watch_ = std::move(*watch);
  return {};
}

void ReadyPipe::end() {
  watch_.reset();
  kept_ = {};
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
      end();
      return handlers_.closed();
    }
    seen_.append(piece.data(), static_cast<std::size_t>(size));
    if (seen_.contains(wanted_)) {
      end();
      ours_.reset();
      return handlers_.ready();
    }
    seen_.erase(0, seen_.size() - std::min(seen_.size(), wanted_.size() - 1));
  }
}

}  // namespace liveswap::master
