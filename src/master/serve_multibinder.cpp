#include "master/serve_multibinder.hpp"

#include <utility>

namespace liveswap::master {

namespace multibinder = wire::multibinder;

std::expected<std::vector<ServePiece>, std::string> MultibinderSession::take(std::string_view bytes) {
  in_.feed(bytes);
  std::vector<ServePiece> pieces;
  for (;;) {
    const auto request = in_.next();
    if (!request) {
      over_ = true;
      const std::string why = "Parse error: " + std::string(request.error().reason);
      pieces.push_back({multibinder::refused({nullptr, multibinder::kNotJson, why}), {}});
      return pieces;
    }
    if (!*request) return pieces;
    pieces.push_back(answer(**request));
  }
}

ServePiece MultibinderSession::answer(std::string_view request) {
  const auto bind = multibinder::parse(request);
  if (!bind) return {multibinder::refused(bind.error()), {}};
  auto socket = listeners_.bind(bind->address, bind->port, bind->backlog);
  if (!socket) {
    return {multibinder::refused({bind->id, multibinder::kNotBound, "Could not bind: " + socket.error()}), {}};
  }
  ServePiece piece{multibinder::bound(bind->id), {}};
  piece.fds.push_back(std::move(*socket));
  return piece;
}

}  // namespace liveswap::master
