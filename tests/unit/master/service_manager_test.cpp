#include "master/service_manager.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "os/scm.hpp"
#include "os/socket.hpp"

using namespace liveswap;

namespace {

std::string received(os::FdRef socket) {
  const auto packet = os::receive_packet(socket, 4096, 0, MSG_DONTWAIT);
  if (!packet || !*packet) return "nothing";
  return {reinterpret_cast<const char*>((*packet)->payload.data()), (*packet)->payload.size()};
}

}  // namespace

TEST_CASE("messages reach a NOTIFY_SOCKET, by path or abstract name") {
  std::string folder = "/tmp/liveswap-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/notify";
  const std::string name = "liveswap-test-" + std::to_string(::getpid());
  const auto by_path = os::SocketAddress::unix_path(path).value();
  const auto by_name = os::SocketAddress::unix_abstract(name).value();
  for (const auto& [address, value] : {std::pair{by_path, path}, std::pair{by_name, "@" + name}}) {
    const os::OwnedFd receiver = os::open_socket(AF_UNIX, SOCK_DGRAM).value();
    REQUIRE(os::bind_socket(receiver, address));
    const auto manager = master::ServiceManager::connect(value);
    REQUIRE(manager);
    CHECK(manager->notify({.kind = wire::guard::NotifyKind::ready, .text = "serving"}));
    CHECK(received(receiver) == "READY=1\nSTATUS=serving");
  }
  ::unlink(path.c_str());
  ::rmdir(folder.c_str());
}

TEST_CASE("without a NOTIFY_SOCKET nothing is sent and nothing is wrong") {
  const auto manager = master::ServiceManager::connect("");
  REQUIRE(manager);
  CHECK(manager->notify({.kind = wire::guard::NotifyKind::ready}));
}

TEST_CASE("a NOTIFY_SOCKET that is no address, or that nobody has, is an error with its name") {
  CHECK(master::ServiceManager::connect("notify").error().message() ==
        "NOTIFY_SOCKET=notify: neither a path nor an @abstract name");
  CHECK(master::ServiceManager::connect("/nowhere/notify").error().message() ==
        "connect(/nowhere/notify): No such file or directory");
}
