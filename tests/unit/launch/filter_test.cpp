// What a program's calls do once the launcher has put its filter in: those of the table wait for the test's answer,
// from wherever in the program and by whatever way they are made, and no other call is changed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include <array>
#include <csignal>

#include "os/pidfd.hpp"
#include "os/pipe.hpp"
#include "os/remote_process.hpp"
#include "trapping.hpp"

namespace {

using namespace liveswap;
using namespace launch::test;
using os::TrappedCall;
using Texts = std::vector<std::string>;

#define WITH_EACH_LAUNCHER(launcher)                     \
  for (const auto& launcher : launch::test::launchers()) \
    if (CAPTURE(launcher); true)

// Runs the calls to their end; what came to be answered, and what the program says of it.
struct Run {
  Texts trapped;
  Facts facts;
};

Run run(const std::string& launcher, std::initializer_list<std::string> calls, wire::Filter filter,
        const Answer& answer) {
  Launching launching{launcher};
  launching.send(trapped_plan(calls, filter), {});
  auto notifier = notifier_of(launching);
  Run run;
  run.trapped = answer_all(notifier, answer);
  run.facts = launching.output();
  CHECK(launching.exit_status() == 0);
  return run;
}

// The program's own socket, as the master gets at it.
os::OwnedFd socket_of(const TrappedCall& call) {
  const auto process = os::process_of(call.thread);
  REQUIRE_MESSAGE(process.has_value(), process.error().message());
  const auto pidfd = os::pidfd_open(*process);
  REQUIRE_MESSAGE(pidfd.has_value(), pidfd.error().message());
  auto socket = os::fetch_descriptor(*pidfd, call.descriptor);
  REQUIRE_MESSAGE(socket.has_value(), socket.error().message());
  return std::move(*socket);
}

std::uint16_t port_of(os::FdRef socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

// Does the call in the program's place.
void do_it(os::SeccompNotifier& notifier, const TrappedCall& call) {
  const os::OwnedFd socket = socket_of(call);
  if (call.kind == TrappedCall::Kind::bind) {
    auto memory = os::read_memory(call.thread, call.address, call.length);
    REQUIRE(memory.has_value());
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(memory->data()), call.length) == 0);
  } else {
    REQUIRE(::listen(socket.get(), call.backlog) == 0);
  }
  pretend(notifier, call);
}

bool has_i386(const Run& run) {
  const bool has = run.facts.of("i386") == "1";
  if (!has) MESSAGE("skipped: this kernel or processor has no i386 calls");
  return has;
}

TEST_CASE("filter: bind and listen wait, and what is done to the socket meanwhile is what the program gets") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    launching.send(trapped_plan({"bind", "listen", "accepting", "port"}), {});
    auto notifier = notifier_of(launching);
    CHECK(launching.next() == "closed");
    const TrappedCall bind = next_call(notifier);
    CHECK(bind.thread == launching.pid());
    CHECK(text_of(bind) == "bind 3 127.0.0.1:0");
    do_it(notifier, bind);
    const TrappedCall listen = next_call(notifier);
    CHECK(text_of(listen) == "listen 3 backlog 5");
    const os::OwnedFd socket = socket_of(listen);
    do_it(notifier, listen);
    const Facts facts = launching.output();
    CHECK(facts.of("bind") == "0");
    CHECK(facts.of("listen") == "0");
    CHECK(facts.of("accepting") == "1");
    CHECK(facts.of("port") == std::to_string(port_of(socket)));
  }
}

TEST_CASE("filter: an answer can be an errno, and the kernel can be left to do the call") {
  WITH_EACH_LAUNCHER(launcher) {
    const Run refused = run(launcher, {"bind", "port"}, {}, [](os::SeccompNotifier& notifier, const TrappedCall& call) {
      CHECK(notifier.answer(call.id, EADDRINUSE).has_value());
    });
    CHECK(refused.facts.of("bind") == std::to_string(-EADDRINUSE));
    CHECK(refused.facts.of("port") == "0");
    const Run done = run(launcher, {"bind", "listen", "accepting"}, {}, go_on);
    CHECK(done.facts.of("bind") == "0");
    CHECK(done.facts.of("accepting") == "1");
  }
}

TEST_CASE("filter: the calls of threads and of the program's children's children wait, too") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    launching.send(trapped_plan({"thread-bind", "grandchild-bind"}), {});
    auto notifier = notifier_of(launching);
    const TrappedCall of_thread = next_call(notifier);
    CHECK(of_thread.thread != launching.pid());
    CHECK(os::process_of(of_thread.thread).value() == launching.pid());
    CHECK(text_of(of_thread) == "bind 3 127.0.0.1:0");
    pretend(notifier, of_thread);
    const TrappedCall of_grandchild = next_call(notifier);
    const pid_t process = os::process_of(of_grandchild.thread).value();
    CHECK(process == of_grandchild.thread);
    CHECK(process != launching.pid());
    do_it(notifier, of_grandchild);
    CHECK(answer_all(notifier, pretend).empty());
    const Facts facts = launching.output();
    CHECK(facts.of("thread-bind") == "0");
    CHECK(facts.of("grandchild-bind") == "0");
  }
}

#ifdef __x86_64__
TEST_CASE("filter: i386 calls wait, by their own numbers and by socketcall, whose other calls do not") {
  WITH_EACH_LAUNCHER(launcher) {
    const Run direct = run(launcher, {"i386", "i386-bind", "i386-listen", "accepting"}, {}, do_it);
    if (!has_i386(direct)) return;
    CHECK(direct.trapped == Texts{"bind 3 127.0.0.1:0", "listen 3 backlog 6"});
    CHECK(direct.facts.of("i386-bind") == "0");
    CHECK(direct.facts.of("i386-listen") == "0");
    CHECK(direct.facts.of("accepting") == "1");
    const Run socketcall =
        run(launcher, {"i386", "socketcall-socket", "socketcall-bind", "socketcall-listen", "accepting"}, {}, do_it);
    CHECK(socketcall.trapped == Texts{"bind 3 127.0.0.1:0", "listen 3 backlog 7"});
    CHECK(socketcall.facts.of("socketcall-socket") == "0");
    CHECK(socketcall.facts.of("socketcall-bind") == "0");
    CHECK(socketcall.facts.of("socketcall-listen") == "0");
    CHECK(socketcall.facts.of("accepting") == "1");
  }
}

TEST_CASE("filter: a socketcall whose words cannot be read is for the kernel to refuse") {
  WITH_EACH_LAUNCHER(launcher) {
    const Run nowhere = run(launcher, {"i386", "socketcall-nowhere"}, {}, go_on);
    if (!has_i386(nowhere)) return;
    CHECK(nowhere.trapped == Texts{"other"});
    CHECK(nowhere.facts.of("socketcall-nowhere") == std::to_string(-EFAULT));
  }
}

TEST_CASE("filter: an x32 number waits as its plain one does, even where the kernel has no x32") {
  WITH_EACH_LAUNCHER(launcher) {
    const Run bound = run(launcher, {"x32-bind"}, {}, do_it);
    CHECK(bound.trapped == Texts{"bind 3 127.0.0.1:0"});
    CHECK(bound.facts.of("x32-bind") == "0");
  }
}
#endif

TEST_CASE("filter: a program that sets up io_uring waits, or is denied it") {
  WITH_EACH_LAUNCHER(launcher) {
    const Run watched = run(launcher, {"io-uring"}, {}, go_on);
    CHECK(watched.trapped == Texts{"io_uring_setup"});
    CHECK(watched.facts.of("io-uring") != "0");
    const Run denied = run(launcher, {"io-uring", "bind"}, {.deny_io_uring = true}, pretend);
    CHECK(denied.trapped == Texts{"bind 3 127.0.0.1:0"});
    CHECK(denied.facts.of("io-uring") == std::to_string(-EPERM));
  }
}

TEST_CASE("filter: files are unlinked and renamed unseen, unless that is to be watched") {
  const auto calls = {std::string("unlink"), std::string("unlinkat"), std::string("rename"), std::string("renameat"),
                      std::string("renameat2")};
  WITH_EACH_LAUNCHER(launcher) {
    const Run unseen = run(launcher, calls, {}, pretend);
    CHECK(unseen.trapped == Texts{});
    CHECK(unseen.facts.of("unlink") == std::to_string(-ENOENT));
    const Run watched = run(launcher, calls, {.watch_unlink = true}, pretend);
    CHECK(watched.trapped == Texts{"unlink -100 old flags 0", "unlink 3 old flags 512",
                                   "rename -100 old -100 new flags 0", "rename 3 old -100 new flags 0",
                                   "rename -100 old 3 new flags 2"});
    for (const auto& call : calls) CHECK(watched.facts.of(call) == "0");
#ifdef __x86_64__
    const Run narrow = run(launcher, {"i386", "i386-unlink"}, {.watch_unlink = true}, pretend);
    if (has_i386(narrow)) CHECK(narrow.trapped == Texts{"unlink -100 old flags 0"});
#endif
  }
}

TEST_CASE("filter: the notifier says when the last process with the filter has ended, and not before") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    auto input = os::open_pipe();
    REQUIRE(input.has_value());
    wire::LaunchPlan plan = trapped_plan({"leave-child"});
    plan.placements = {{.source = 0, .target = 0}};
    launching.send(plan, std::array{os::FdRef{input->read}});
    input->read.reset();
    auto notifier = notifier_of(launching);
    CHECK(launching.exit_status() == 0);
    CHECK(readiness(notifier) == 0);
    CHECK_FALSE(notifier.receive().value().has_value());
    input->write.reset();
    CHECK(readiness(notifier, true) == POLLHUP);
    CHECK(notifier.receive().error().code == ESRCH);
  }
}

TEST_CASE("filter: when nobody can answer any more, the call does not exist") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    launching.send(trapped_plan({"bind", "listen"}), {});
    {
      auto notifier = notifier_of(launching);
      CHECK(text_of(next_call(notifier)) == "bind 3 127.0.0.1:0");
    }
    const Facts facts = launching.output();
    CHECK(facts.of("bind") == std::to_string(-ENOSYS));
    CHECK(facts.of("listen") == std::to_string(-ENOSYS));
  }
}

}  // namespace
