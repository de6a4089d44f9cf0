#include "master/binary_trial.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "os/own_environment.hpp"
#include "os/spawn.hpp"

namespace liveswap::master {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);
constexpr int kStateInChild = 3;
constexpr std::string_view kOwnName = "liveswap ";  // and the version, which is all that a good one says

}  // namespace

BinaryTrial::BinaryTrial(loop::Loop& loop, Done done) : done_(std::move(done)), limit_(loop, [this] {
        late_ = true;
        process_->signal(SIGKILL);
      }) {}

std::expected<std::unique_ptr<BinaryTrial>, std::string> BinaryTrial::begin(loop::Loop& loop, Children& children,
                                                                            os::FdRef binary, os::FdRef state,
                                                                            Done done) {
  std::unique_ptr<BinaryTrial> trial(new BinaryTrial(loop, std::move(done)));
  auto ends = make_output_pipe(::geteuid());
  if (!ends) return std::unexpected(ends.error().message());
  auto output = OutputPipe::open(loop, std::move(ends->ours),
                                 {.line = [self = trial.get()](std::string_view line) {
                                    self->said_ += (self->said_.empty() ? "" : "\n") + std::string(line);
                                  },
                                  .read = [] {}});
  if (!output) return std::unexpected(output.error().message());
  trial->output_ = std::move(*output);
  os::SpawnRequest request;
  request.executable = binary;
  request.argv = {"liveswap", "--check-state", "/proc/self/fd/" + std::to_string(kStateInChild)};
  request.environment = os::own_environment();
  request.fds = {{os::FdRef(STDIN_FILENO), STDIN_FILENO},
                 {ends->theirs, STDOUT_FILENO},
                 {ends->theirs, STDERR_FILENO},
                 {state, kStateInChild}};
  auto spawned = os::spawn(request);
  if (!spawned) return std::unexpected(spawned.error().message());
  auto process = WatchedProcess::open(loop, children, spawned->pid, std::move(spawned->pidfd),
                                      [self = trial.get()](const os::ExitStatus& status) { self->on_ended(status); });
  if (!process) return std::unexpected(process.error().message());
  trial->process_ = std::move(*process);
  trial->limit_.start_after(kPatience);
  return trial;
}

void BinaryTrial::on_ended(const os::ExitStatus& status) {
  output_->finish();
  limit_.stop();
  const Done done = std::move(done_);
  const bool good = status.kind == os::ExitStatus::Kind::exited && status.code == 0;
  if (good && said_.starts_with(kOwnName)) return done(said_.substr(kOwnName.size()));
  if (good) return done(std::unexpected("it is no liveswap: asked for its version, it did not tell one"));
  if (late_) return done(std::unexpected("it did not say in time whether it could go on with the state"));
  done(std::unexpected(said_.empty() ? status.text() : std::move(said_)));
}

}  // namespace liveswap::master
