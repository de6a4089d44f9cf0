#include "master/inherit_link.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "os/pipe.hpp"

namespace liveswap::master {
namespace {

ReadyPipe::Handlers pipe_handlers(const LinkHandlers& handlers) {
  return {.ready = [said = handlers.said] { said({protocols::Ready{}}); },
          .closed =
              [problem = handlers.problem] {
                problem("closed the pipe on which it would say that it is ready, and said nothing");
              }};
}

}  // namespace

os::Result<std::unique_ptr<InheritLink>> InheritLink::open(loop::Loop& loop, protocols::InheritancePipes pipes,
                                                           LinkHandlers handlers) {
  auto link = std::unique_ptr<InheritLink>(new InheritLink(std::move(pipes)));
  auto ready = ReadyPipe::open(loop, link->pipes_.ready, pipe_handlers(handlers));
  if (!ready) return std::unexpected(ready.error());
  link->ready_ = std::move(*ready);
  link->ready_->kept_as(handlers.keep(link->ready_->fd()));
  if (auto written = link->write_names(); !written) return std::unexpected(written.error());
  if (link->names_) link->kept_names_ = handlers.keep(link->names_);
  return link;
}

os::Result<std::unique_ptr<InheritLink>> InheritLink::go_on(loop::Loop& loop, protocols::InheritancePipes pipes,
                                                            LinkHandlers handlers, ReadyPipeState state) {
  auto link = std::unique_ptr<InheritLink>(new InheritLink(std::move(pipes)));
  if (state.names != 0) {
    auto names = handlers.take(state.names);
    if (!names) return std::unexpected(names.error());
    link->names_ = std::move(names->fd);
    link->kept_names_ = std::move(names->part);
  }
  if (state.pipe == 0) {
    link->ready_ = ReadyPipe::ended(link->pipes_.ready);
    return link;
  }
  auto left = handlers.take(state.pipe);
  if (!left) return std::unexpected(left.error());
  auto ready = ReadyPipe::go_on(loop, link->pipes_.ready, pipe_handlers(handlers), std::move(*left),
                                std::move(state.seen));
  if (!ready) return std::unexpected(ready.error());
  link->ready_ = std::move(*ready);
  return link;
}

LinkState InheritLink::save() const {
  ReadyPipeState state = ready_->save();
  state.names = kept_names_.number;
  return state;
}

// All at once, before anybody reads: a pipe holds 64 KiB, which is the names of a thousand sockets.
os::Result<void> InheritLink::write_names() {
  auto pipe = os::open_pipe();
  if (!pipe) return std::unexpected(pipe.error());
  if (::fcntl(pipe->write.get(), F_SETFL, O_NONBLOCK) == -1) return os::fail("fcntl", "pipe");
  const std::string& names = pipes_.names;
  const ssize_t written = ::write(pipe->write.get(), names.data(), names.size());
  if (written == -1) return os::fail("write", "pipe of the inherited names");
  if (static_cast<std::size_t>(written) < names.size()) {
    return os::fail_with(EMSGSIZE, "write(pipe of the inherited names)");
  }
  if (pipes_.names_stay_open) names_ = std::move(pipe->write);
  their_names_ = std::move(pipe->read);
  return {};
}

LinkGift InheritLink::gift(int free) const {
  const int names = pipes_.names_number >= 0 ? pipes_.names_number : free++;
  const int ready = pipes_.ready_number >= 0 ? pipes_.ready_number : free;
  LinkGift gift{.variables = {{pipes_.sentinel, "yes"}},
                .descriptors = {{their_names_, names}, {ready_->their_end(), ready}}};
  if (pipes_.names_variable != nullptr) gift.variables.emplace_back(pipes_.names_variable, std::to_string(names));
  if (pipes_.ready_variable != nullptr) gift.variables.emplace_back(pipes_.ready_variable, std::to_string(ready));
  return gift;
}

void InheritLink::given() {
  their_names_.reset();
  ready_->given();
}

}  // namespace liveswap::master
