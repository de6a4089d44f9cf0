// serve.haproxy: `haproxy -x SOCKET` takes the listeners whose addresses its `bind` lines name, as from a predecessor.
#pragma once

#include "master/serve_session.hpp"
#include "master/served_listeners.hpp"
#include "wire/haproxy_sockets.hpp"

namespace liveswap::master {

class HaproxySession final : public ServeSession {
 public:
  explicit HaproxySession(ServedListeners& listeners) : listeners_(listeners) {}

  [[nodiscard]] std::expected<std::vector<ServePiece>, std::string> take(std::string_view bytes) override;
  [[nodiscard]] bool is_over() const override { return transfer_.is_over(); }

 private:
  [[nodiscard]] std::expected<void, std::string> offer();

  ServedListeners& listeners_;
  wire::haproxy::Transfer transfer_;
  std::vector<os::OwnedFd> sockets_;  // given away one batch after the other
};

}  // namespace liveswap::master
