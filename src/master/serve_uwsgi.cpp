#include "master/serve_uwsgi.hpp"

#include <utility>

#include "wire/uwsgi_zerg.hpp"

namespace liveswap::master {

std::expected<std::vector<ServePiece>, std::string> UwsgiSession::take(std::string_view /*bytes*/) {
  auto streams = listeners_.streams();
  if (!streams) return std::unexpected("got nothing: " + streams.error().message());
  offered_ = true;
  ServePiece piece{wire::uwsgi::offer(streams->size()), {}};
  for (ServedListeners::Socket& socket : *streams) piece.fds.push_back(std::move(socket.fd));
  std::vector<ServePiece> pieces;
  pieces.push_back(std::move(piece));
  return pieces;
}

}  // namespace liveswap::master
