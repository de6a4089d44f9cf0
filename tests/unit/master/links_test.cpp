// Goal: no worker makes the master spin through one of its links. Method: a link of one's own, and the turns that the
// loop takes while nothing happens.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <string>

#include "master/einhorn_link.hpp"
#include "master/node_link.hpp"
#include "os/scm.hpp"
#include "os/sockaddr.hpp"
#include "os/socket.hpp"
#include "worker_site.hpp"

namespace liveswap::master {
namespace {

using namespace test;

constexpr int kFew = 8;

// The turns of the loop within 50 ms, in which a loop that spins takes thousands.
int turns_of(loop::Loop& loop) {
  bool over = false;
  loop::Timer end(loop, [&over] { over = true; });
  end.start_after(50ms);
  int turns = 0;
  for (; !over; ++turns) loop.run_once();
  return turns;
}

LinkHandlers counting(int& problems) {
  return {.said = [](const auto&) {}, .problem = [&problems](std::string_view) { ++problems; }};
}

// All descriptors of this process are in use, until it ends.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const os::OwnedFd next = must(os::dup_cloexec(os::FdRef(0)));
    const rlimit none{static_cast<rlim_t>(next.get()), before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("node link: a worker that asks without reading, then closes its ear, does not make the master spin") {
  loop::Loop loop;
  int problems = 0;
  const auto link = must(NodeLink::open(
      loop, {}, {.link = counting(problems), .server = [](const auto&) -> std::expected<ServerSocket, ServerRefusal> {
                   return std::unexpected(ServerRefusal{EACCES, "no"});
                 }}));
  const os::OwnedFd worker = must(os::dup_cloexec(link->gift(3).descriptors.front().fd));
  link->given();
  const std::string query =
      "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"queryServer\",\"addressType\":4,\"port\":80,\"seq\":1}\n";
  while (problems < 4000 && must(os::send_some(worker, std::as_bytes(std::span(query)))) == query.size()) {
    loop.run_once();
  }
  REQUIRE(problems == 4000);
  REQUIRE(::shutdown(worker.get(), SHUT_RD) == 0);
  while (must(os::receive_packet(worker, 65536, 0, MSG_DONTWAIT)).value().payload.size() > 0) {
  }
  CHECK(turns_of(loop) < kFew);
}

TEST_CASE("einhorn link: where no descriptor is left for a connection, it waits, and the loop does not spin") {
  loop::Loop loop;
  int problems = 0;
  const std::string name = "@liveswap-links-test-" + std::to_string(::getpid());
  const auto link = must(EinhornLink::open(loop, {"", name}, ::geteuid(), counting(problems)));
  const os::OwnedFd worker = must(os::open_socket(AF_UNIX, SOCK_STREAM));
  must(os::connect_to(worker, must(os::SocketAddress::unix_abstract(name.substr(1)))));
  const NoMoreDescriptors none;
  CHECK(turns_of(loop) < kFew);
  CHECK(problems == 1);
}

}  // namespace liveswap::master
