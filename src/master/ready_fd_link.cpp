#include "master/ready_fd_link.hpp"

#include <fmt/format.h>

#include <utility>

namespace liveswap::master {

os::Result<std::unique_ptr<ReadyFdLink>> ReadyFdLink::open(loop::Loop& loop, int number, LinkHandlers handlers) {
  auto pipe = ReadyPipe::open(
      loop, "\n",
      {.ready = [said = std::move(handlers.said)] { said({protocols::Ready{core::ReadyWhen::fd}}); },
       .closed =
           [number, problem = std::move(handlers.problem)] {
             problem(fmt::format("closed descriptor {} without a newline, so it never says that it is ready", number));
           }});
  if (!pipe) return std::unexpected(pipe.error());
  return std::unique_ptr<ReadyFdLink>(new ReadyFdLink(number, std::move(*pipe)));
}

LinkGift ReadyFdLink::gift(int) const { return {.descriptors = {{pipe_->their_end(), number_}}}; }

}  // namespace liveswap::master
