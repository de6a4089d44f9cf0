// protocol: bind. A program that knows nothing of liveswap binds its own port: the calls are seen by the kernel's
// seccomp user notification, and its own socket becomes a side of a steered listener (master/bind_watch.hpp). Nothing
// is handed over at start; it is asked to drain, by a signal, once it has nothing open.
#pragma once

#include "protocols/protocol.hpp"

namespace liveswap::protocols {

class Bind final : public Protocol {
 public:
  [[nodiscard]] bool hands_sockets() const override { return false; }
  [[nodiscard]] Environment environment(const LaunchFacts& facts) const override {
    return environment_of_every_worker(facts);
  }
};

}  // namespace liveswap::protocols
