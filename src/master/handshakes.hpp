// Handshakes that were under way at a TCP listener when new connections were steered elsewhere: each still ends at the
// socket where it began, and whoever waits there would be lost if nobody accepted there any more.
//
// Looked up once, when the switch is made; then each is asked for by itself, which costs next to nothing. Those whose
// client does not answer are not waited for beyond the time that honest ones need, lost packets included.
#pragma once

#include <chrono>
#include <vector>

#include "os/sock_diag.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::master {

class Handshakes {
 public:
  // Those of now, besides the earlier ones.
  void note(const os::SocketAddress& listener);
  [[nodiscard]] bool any_left();

 private:
  struct Pending {
    os::TcpEnds ends;
    std::chrono::steady_clock::time_point until;
  };
  std::vector<Pending> pending_;
};

}  // namespace liveswap::master
