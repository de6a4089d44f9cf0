// The master's end of its guardian; the test is the guardian.
#include "master/guardian_link.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "os/pipe.hpp"
#include "os/scm.hpp"
#include "os/socket.hpp"

namespace liveswap::master {
namespace {

namespace guard = wire::guard;
using namespace std::chrono_literals;

struct Guardian {
  os::OwnedFd ours, theirs;
  loop::Loop loop;
  std::vector<std::string> heard;
  std::unique_ptr<GuardianLink> link;

  Guardian() {
    auto pair = os::open_socket_pair(SOCK_SEQPACKET);
    REQUIRE(pair);
    ours = std::move(pair->first);
    theirs = std::move(pair->second);
  }

  void say(const guard::Message& message, std::optional<os::FdRef> fd = std::nullopt) const {
    std::array<std::byte, guard::kPacketSize> packet{};
    REQUIRE(guard::encode(message, fd ? 1 : 0, packet));
    const auto fds = fd ? std::span<const os::FdRef>(&*fd, 1) : std::span<const os::FdRef>();
    REQUIRE(os::send_packet(ours, packet, fds, MSG_DONTWAIT) == os::SendOutcome::sent);
  }

  // The next message from the master, by its name, and whether a descriptor came with it; "" for none.
  std::string next() const {
    const auto packet = os::receive_packet(ours, guard::kPacketSize, 1, MSG_DONTWAIT);
    if (!packet || !*packet || (*packet)->eof) return "";
    const auto message = guard::decode((*packet)->payload, (*packet)->fds.size(), guard::End::guardian);
    REQUIRE(message);
    return std::string(guard::name(*message)) + ((*packet)->fds.empty() ? "" : " with a descriptor");
  }

  void open(std::vector<std::vector<std::byte>> early = {}) {
    auto opened = GuardianLink::open(
        loop, std::move(theirs), std::move(early),
        {.signal = [this](const guard::Signal& signal) { hear("signal " + std::to_string(signal.signo)); },
         .ended = [this](pid_t pid, const os::ExitStatus& status) {
           hear(std::to_string(pid) + " " + status.text());
         },
         .keep_failed = [this](const KeepKey& key, int) { hear("not kept: " + std::to_string(key.owner)); },
         .replaced = [this](int error) { hear("replaced " + std::to_string(error)); },
         .gone = [this] { hear("gone"); }});
    REQUIRE(opened);
    link = std::move(*opened);
  }

  void hear(const std::string& what) {
    heard.push_back(what);
    loop.stop();
  }
};

TEST_CASE("the first master is greeted and has nothing to take over") {
  Guardian guardian;
  guardian.say(guard::Hello{.guardian = 7});
  const auto greeting = greet_guardian(std::move(guardian.theirs));
  REQUIRE(greeting);
  CHECK(greeting->hello.guardian == 7);
  CHECK(greeting->store.empty());
  CHECK(guardian.next().empty());
}

TEST_CASE("a later one asks for what was kept, and what comes in between is not lost") {
  Guardian guardian;
  const auto pipe = os::open_pipe();
  REQUIRE(pipe);
  guardian.say(guard::Hello{.successor = true, .deaths = 1});
  guardian.say(guard::Give{{KeepRole::worker_pidfd, 0, 5}}, pipe->read);
  guardian.say(guard::Signal{.signo = SIGTERM});
  guardian.say(guard::Given{1});
  auto greeting = greet_guardian(std::move(guardian.theirs));
  REQUIRE(greeting);
  CHECK(guardian.next() == "AskStore");
  REQUIRE(greeting->store.size() == 1);
  CHECK(greeting->store[0].key == KeepKey{KeepRole::worker_pidfd, 0, 5});
  guardian.theirs = std::move(greeting->channel);
  guardian.open(std::move(greeting->early));
  guardian.loop.run();
  CHECK(guardian.heard == std::vector<std::string>{"signal 15"});
}

TEST_CASE("a guardian that says what cannot be, or goes, is an error") {
  Guardian wrong;
  REQUIRE(os::send_packet(wrong.ours, std::array<std::byte, 3>{}, {}, MSG_DONTWAIT));
  CHECK_FALSE(greet_guardian(std::move(wrong.theirs)));
  Guardian gone;
  gone.ours.reset();
  CHECK_FALSE(greet_guardian(std::move(gone.theirs)));
}

TEST_CASE("what the guardian cannot take yet is queued, with its descriptors, and arrives in order") {
  Guardian guardian;
  guardian.open();
  constexpr std::uint64_t kMany = 2000;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    const auto pipe = os::open_pipe();  // closed at once: it is the copy that arrives
    REQUIRE(pipe);
    if (i % 10 == 0) {
      guardian.link->keep({KeepRole::other, 0, i}, pipe->read);
    } else {
      guardian.link->drop({KeepRole::other, 0, i});
    }
  }
  guardian.link->say_established();
  std::uint64_t kept = 0, dropped = 0;
  loop::Timer look(guardian.loop, [&] { guardian.loop.stop(); });
  for (std::string what; what != "Established";) {
    what = guardian.next();
    if (what == "Keep with a descriptor") ++kept;
    if (what == "Drop") ++dropped;
    if (!what.empty()) continue;
    look.start_after(1ms);
    guardian.loop.run();
  }
  CHECK(kept == kMany / 10);
  CHECK(dropped == kMany - kMany / 10);
}

TEST_CASE("ends of orphans, failures and the guardian's own end are told") {
  Guardian guardian;
  guardian.open();
  guardian.say(guard::Exited{.pid = 12, .kind = guard::EndKind::signaled, .code = SIGKILL});
  guardian.say(guard::KeepFailed{{KeepRole::other, 0, 3}, EMFILE});
  guardian.say(guard::GuardianReplaced{0});
  guardian.ours.reset();
  while (guardian.heard.size() < 4) guardian.loop.run();
  CHECK(guardian.heard == std::vector<std::string>{"12 killed by SIGKILL", "not kept: 3", "replaced 0", "gone"});
  guardian.link->say_ending(0);  // to nobody
}

}  // namespace
}  // namespace liveswap::master
