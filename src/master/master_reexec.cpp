// Another binary in this master's place: the same process goes on as it, with the same children.
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "master/guardian_start.hpp"
#include "master/master.hpp"

namespace liveswap::master {
namespace {

// So that whoever has asked gets the answer.
constexpr std::chrono::milliseconds kAnswerFirst{50};
constexpr std::chrono::milliseconds kFlushPatience{1000};

}  // namespace

const MasterFacts& Master::master() const {
  struct stat own {}, there {};
  const bool known = ::stat("/proc/self/exe", &own) == 0;
  const bool is_there = ::stat(facts_.binary.c_str(), &there) == 0;
  facts_.binary_changed = known && (!is_there || own.st_dev != there.st_dev || own.st_ino != there.st_ino);
  return facts_;
}

std::expected<os::OwnedFd, std::string> Master::open_binary(const std::string& path) const {
  const std::string wanted = path.empty() ? facts_.binary : path;
  os::OwnedFd binary{os::adopt, ::open(wanted.c_str(), O_PATH | O_CLOEXEC)};
  if (!binary) return std::unexpected(os::fail("open", wanted).error().message());
  if (::faccessat(binary.get(), "", X_OK, AT_EMPTY_PATH) != 0) {
    return std::unexpected(os::fail("execute", wanted).error().message());
  }
  return binary;
}

void Master::reexec(const std::string& path, BinaryTried tried) {
  if (tried_) return tried(std::unexpected("another binary is being tried"));
  if (!guardian_ || !guardian_programs_ || !state_) {
    return tried(std::unexpected("nobody keeps what the next binary needs: this master has no guardian"));
  }
  auto binary = open_binary(path);
  if (!binary) return tried(std::unexpected(std::move(binary.error())));
  const auto state = state_->copy();
  if (!state) return tried(std::unexpected(state.error().message()));
  auto trial = BinaryTrial::begin(loop_, workers_.children(), *binary, *state,
                                  [this](std::expected<std::string, std::string> version) {
                                    binary_tried(std::move(version));
                                  });
  if (!trial) return tried(std::unexpected(std::move(trial.error())));
  binary_ = std::move(*binary);
  tried_ = std::move(tried);
  trial_ = std::move(*trial);
}

void Master::binary_tried(std::expected<std::string, std::string> version) {
  const BinaryTried tried = std::exchange(tried_, nullptr);
  if (version) {
    log_.info(fmt::format("going on as liveswap {}, in place", *version));
    reexec_.start_after(kAnswerFirst);
  }
  tried(std::move(version));
}

// Comes back only where it failed, and then nothing has changed.
void Master::become_another() {
  if (!guardian_) return log_.error("not replaced: the guardian has just gone");
  write_state();
  guardian_->replace_binary(binary_);
  if (!guardian_->flush(kFlushPatience)) return log_.error("not replaced: the guardian takes nothing more");
  const os::Error error = go_on_as(binary_, guardian_programs_->arguments,
                                   {.channel = guardian_->channel(), .guardian = facts_.guardian,
                                    .notifies = guardian_notifies_});
  guardian_->replace_binary(guardian_programs_->master);
  log_.error("not replaced: " + error.message());
}

}  // namespace liveswap::master
