// serve.uwsgi: `uwsgi --zerg SOCKET` gets all listeners that accept streams, in the order of the file.
#pragma once

#include "master/serve_session.hpp"
#include "master/served_listeners.hpp"

namespace liveswap::master {

class UwsgiSession final : public ServeSession {
 public:
  explicit UwsgiSession(ServedListeners& listeners) : listeners_(listeners) {}

  [[nodiscard]] std::expected<std::vector<ServePiece>, std::string> take(std::string_view bytes) override;
  [[nodiscard]] bool is_over() const override { return offered_; }

 private:
  ServedListeners& listeners_;
  bool offered_ = false;
};

}  // namespace liveswap::master
