// serve.multibinder: a client of multibinder asks for one address at a time.
#pragma once

#include "master/serve_session.hpp"
#include "master/served_listeners.hpp"
#include "wire/multibinder.hpp"

namespace liveswap::master {

class MultibinderSession final : public ServeSession {
 public:
  explicit MultibinderSession(ServedListeners& listeners) : listeners_(listeners) {}

  [[nodiscard]] std::expected<std::vector<ServePiece>, std::string> take(std::string_view bytes) override;
  [[nodiscard]] bool is_over() const override { return over_; }  // else when the client closes

 private:
  [[nodiscard]] ServePiece answer(std::string_view request);

  ServedListeners& listeners_;
  wire::multibinder::Splitter in_;
  bool over_ = false;  // nobody can tell where the next request begins
};

}  // namespace liveswap::master
