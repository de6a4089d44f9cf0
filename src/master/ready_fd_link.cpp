#include "master/ready_fd_link.hpp"

#include <fmt/format.h>

#include <utility>

namespace liveswap::master {

namespace {

constexpr std::string_view kNewline = "\n";

ReadyPipe::Handlers pipe_handlers(int number, const LinkHandlers& handlers) {
  return {.ready = [said = handlers.said] { said({protocols::Ready{core::ReadyWhen::fd}}); },
          .closed =
              [number, problem = handlers.problem] {
                problem(fmt::format("closed descriptor {} without a newline, so it never says that it is ready",
                                    number));
              }};
}

}  // namespace

os::Result<std::unique_ptr<ReadyFdLink>> ReadyFdLink::open(loop::Loop& loop, int number, LinkHandlers handlers) {
  auto pipe = ReadyPipe::open(loop, kNewline, pipe_handlers(number, handlers));
  if (!pipe) return std::unexpected(pipe.error());
  (*pipe)->kept_as(handlers.keep((*pipe)->fd()));
  return std::unique_ptr<ReadyFdLink>(new ReadyFdLink(number, std::move(*pipe)));
}

os::Result<std::unique_ptr<ReadyFdLink>> ReadyFdLink::go_on(loop::Loop& loop, int number, LinkHandlers handlers,
                                                            ReadyPipeState state) {
  if (state.pipe == 0) {
    return std::unique_ptr<ReadyFdLink>(new ReadyFdLink(number, ReadyPipe::ended(kNewline)));
  }
  auto left = handlers.take(state.pipe);
  if (!left) return std::unexpected(left.error());
  auto pipe =
      ReadyPipe::go_on(loop, kNewline, pipe_handlers(number, handlers), std::move(*left), std::move(state.seen));
  if (!pipe) return std::unexpected(pipe.error());
  return std::unique_ptr<ReadyFdLink>(new ReadyFdLink(number, std::move(*pipe)));
}

LinkGift ReadyFdLink::gift(int) const { return {.descriptors = {{pipe_->their_end(), number_}}}; }

}  // namespace liveswap::master
