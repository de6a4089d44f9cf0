#include "master/output_pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

#include "os/pipe.hpp"

namespace liveswap::master {
namespace {

constexpr std::size_t kPieceSize = 16384;
constexpr int kPiecesATurn = 4;     // a worker that floods its output does not keep the loop from the others
// Its 1 MiB is above what a pipe holds, even where one was made as large as it can be.
constexpr int kPiecesAtTheEnd = 64;

}  // namespace

os::Result<PipeEnds> make_output_pipe(uid_t owner) {
  auto pipe = os::open_pipe(O_NONBLOCK);
  if (!pipe) return std::unexpected(pipe.error());
  const std::string path = "/proc/self/fd/" + std::to_string(pipe->write.get());
  os::OwnedFd theirs{os::adopt, ::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  if (!theirs) return os::fail("open", path);
  if (owner != ::geteuid() && ::fchown(theirs.get(), owner, static_cast<gid_t>(-1)) == -1) {
    return os::fail("fchown", "pipe");
  }
  return PipeEnds{std::move(pipe->read), std::move(theirs)};
}

os::Result<std::unique_ptr<OutputPipe>> OutputPipe::open(loop::Loop& loop, os::OwnedFd end, Handlers handlers,
                                                         KeptPart kept) {
  auto pipe = std::unique_ptr<OutputPipe>(new OutputPipe(std::move(end), std::move(handlers), std::move(kept)));
  auto watch = loop::FdWatch::open(loop, pipe->end_, {.readable = true},
                                   [self = pipe.get()](loop::Readiness) { self->on_readable(); });
  if (!watch) return std::unexpected(watch.error());
  pipe->watch_ = std::move(*watch);
  return pipe;
}

bool OutputPipe::read_piece() {
  std::array<char, kPieceSize> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  const ssize_t size = os::retry_interrupted([&] { return ::read(end_.get(), piece.data(), piece.size()); });
  if (size > 0) {
    splitter_.feed({piece.data(), static_cast<std::size_t>(size)}, handlers_.line);
    return static_cast<std::size_t>(size) == piece.size();
  }
  if (size == -1 && errno == EAGAIN) return false;
  splitter_.finish(handlers_.line);
  watch_.reset();
  kept_ = {};
  return false;
}

void OutputPipe::on_readable() {
  for (int i = 0; i < kPiecesATurn && read_piece(); ++i) {
  }
  handlers_.read();
}

void OutputPipe::finish() {
  for (int i = 0; watch_ && i < kPiecesAtTheEnd && read_piece(); ++i) {
  }
  splitter_.finish(handlers_.line);
  handlers_.read();
}

}  // namespace liveswap::master
