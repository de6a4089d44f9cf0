#include "os/unix_probe.hpp"

#include <sys/stat.h>

#include <fstream>

#include "os/accept_queue.hpp"
#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("a path is in use as long as some process has the socket, listening or not, and stale after") {
  const TempDir dir;
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
    CAPTURE(type);
    const std::string path = dir.path("socket" + std::to_string(type));
    CHECK(must(probe_unix(path)) == UnixPath::absent);
    Listener listener = bound(must(SocketAddress::unix_path(path)), type);
    CHECK(must(probe_unix(path)) == UnixPath::in_use);
    if (type != SOCK_DGRAM) {
      must(listen_on(listener.socket, 4));
      CHECK(must(probe_unix(path)) == UnixPath::in_use);
      CHECK(must(accept_queue(listener.socket)).waiting == 0);  // the probe left no connection behind
    }
    listener.socket.reset();
    CHECK(must(probe_unix(path)) == UnixPath::stale);
  }
}

TEST_CASE("a datagram socket that takes messages from one peer only is in use") {
  const TempDir dir;
  const Listener server = bound(must(SocketAddress::unix_path(dir.path("server"))), SOCK_DGRAM);
  const Listener peer = bound(must(SocketAddress::unix_path(dir.path("peer"))), SOCK_DGRAM);
  must(connect_to(server.socket, peer.address));
  CHECK(must(probe_unix(dir.path("server"))) == UnixPath::in_use);
}

TEST_CASE("a path that is no socket is an error, so that nobody removes it") {
  const TempDir dir;
  std::ofstream(dir.path("file")) << "precious";
  CHECK(error_of(probe_unix(dir.path("file"))) == dir.path("file") + " exists and is not a socket");
}

TEST_CASE("a dangling link is absent, a link to a living socket in use") {
  const TempDir dir;
  std::filesystem::create_symlink(dir.path("target"), dir.path("link"));
  CHECK(must(probe_unix(dir.path("link"))) == UnixPath::absent);
  const Listener listener = listening(must(SocketAddress::unix_path(dir.path("target"))));
  CHECK(must(probe_unix(dir.path("link"))) == UnixPath::in_use);
}

}  // namespace liveswap::os
