// What the launcher says on the channel, as the master hears it: the test is the launcher, and the program.
#include "master/worker_channel.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loop/loop.hpp"
#include "os/pipe.hpp"
#include "wire/channel.hpp"

namespace liveswap::master {
namespace {

namespace channel = wire::channel;
using Texts = std::vector<std::string>;

class Site {
 public:
  Site() {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    theirs_ = {os::adopt, ends[1]};
    auto opened = WorkerChannel::open(
        loop_, {os::adopt, ends[0]}, true,
        {.running = [this] { heard.emplace_back("running"); },
         .failed = [this](const std::string& text) { heard.push_back("failed: " + text); },
         .said =
             [this](std::span<const std::byte>, std::size_t fds) {
               heard.push_back("said, " + std::to_string(fds));
             },
         .filter =
             [this](os::OwnedFd fd) {
               heard.emplace_back("filter");
               notifier = std::move(fd);
             }});
    REQUIRE(opened.has_value());
    channel_ = std::move(*opened);
  }

  void say(const channel::Message& message, std::span<const os::FdRef> fds = {}) {
    std::array<std::byte, 64> buffer{};
    const auto size = channel::encode(message, fds.size(), buffer);
    REQUIRE(size.has_value());
    REQUIRE(os::send_packet(theirs_, std::span{buffer}.first(*size), fds).has_value());
  }
  void hear() { channel_->finish(); }  // reads all that was said
  void hear_one() { loop_.run_once(); }

  Texts heard;
  os::OwnedFd notifier;

 private:
  loop::Loop loop_;
  os::OwnedFd theirs_;
  std::unique_ptr<WorkerChannel> channel_;
};

// No descriptor can be opened while this lives.
class NoNumberLeft {
 public:
  NoNumberLeft() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const os::OwnedFd lowest = os::dup_cloexec(os::FdRef{2}).value();
    const rlimit none{static_cast<rlim_t>(lowest.get()), before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  NoNumberLeft(const NoNumberLeft&) = delete;
  NoNumberLeft& operator=(const NoNumberLeft&) = delete;
  ~NoNumberLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("worker channel: the notifier comes before the program runs, and is the one that was sent") {
  Site site;
  const auto pipe = os::open_pipe().value();
  site.say(channel::Filter{}, std::array{os::FdRef{pipe.write}});
  site.hear_one();
  CHECK(site.heard == Texts{"filter"});
  REQUIRE(site.notifier.valid());
  REQUIRE(::write(site.notifier.get(), "x", 1) == 1);
  char byte = 0;
  CHECK(::read(pipe.read.get(), &byte, 1) == 1);
  site.say(channel::Executing{});
  site.hear_one();
  CHECK(site.heard == Texts{"filter", "running"});
}

TEST_CASE("worker channel: a launcher can still fail when its filter is in") {
  Site site;
  const auto pipe = os::open_pipe().value();
  site.say(channel::Filter{}, std::array{os::FdRef{pipe.write}});
  site.say(channel::Failed{"seccomp", "user notification", EBUSY});
  site.hear();
  CHECK(site.heard == Texts{"filter", "failed: seccomp user notification: Device or resource busy"});
}

TEST_CASE("worker channel: a program's own notifier is not taken for the launcher's") {
  Site site;
  const auto pipe = os::open_pipe().value();
  site.say(channel::Executing{});
  site.say(channel::Filter{}, std::array{os::FdRef{pipe.write}});
  site.hear();
  CHECK(site.heard == Texts{"running", "said, 1"});
  CHECK_FALSE(site.notifier.valid());
}

TEST_CASE("worker channel: a notifier that does not fit into this process is a launch that failed") {
  Site site;
  const auto pipe = os::open_pipe().value();
  site.say(channel::Filter{}, std::array{os::FdRef{pipe.write}});
  site.say(channel::Executing{});
  {
    const NoNumberLeft none;
    site.hear();
  }
  CHECK(site.heard == Texts{"failed: receive seccomp notifier: Too many open files"});
}

}  // namespace liveswap::master
