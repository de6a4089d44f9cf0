#include "master/serve_haproxy.hpp"

#include <iterator>
#include <utility>

namespace liveswap::master {

std::expected<std::vector<ServePiece>, std::string> HaproxySession::take(std::string_view bytes) {
  if (const auto taken = transfer_.take(bytes); !taken) return std::unexpected(std::string(taken.error().reason));
  if (transfer_.asked()) {
    if (auto offered = offer(); !offered) return std::unexpected(std::move(offered.error()));
  }
  std::vector<ServePiece> pieces;
  while (auto message = transfer_.next()) {
    ServePiece piece{std::move(message->bytes), {}};
    const auto first = sockets_.begin() + static_cast<std::ptrdiff_t>(message->first);
    piece.fds.assign(std::make_move_iterator(first),
                     std::make_move_iterator(first + static_cast<std::ptrdiff_t>(message->count)));
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::expected<void, std::string> HaproxySession::offer() {
  auto streams = listeners_.streams();
  if (!streams) return std::unexpected("got nothing: " + streams.error().message());
  std::vector<std::string> interfaces;
  for (ServedListeners::Socket& socket : *streams) {
    interfaces.push_back(std::move(socket.interface));
    sockets_.push_back(std::move(socket.fd));
  }
  transfer_.offer(std::move(interfaces));
  return {};
}

}  // namespace liveswap::master
