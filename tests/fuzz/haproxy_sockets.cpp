// What comes instead of HAProxy's request and acknowledgements: each socket is offered once, in its order, in batches
// that HAProxy can take, and the transfer is over only when all were. The first byte is how many sockets there are and
// how the pieces are cut.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "require.hpp"
#include "wire/haproxy_sockets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liveswap::wire;
  if (size == 0) return 0;
  const std::size_t sockets = std::size_t{data[0]} * 4;
  const std::size_t piece = 1 + data[0] % 7;
  haproxy::Transfer transfer;
  std::size_t given = 0;
  std::string_view rest{reinterpret_cast<const char*>(data) + 1, size - 1};
  while (!rest.empty()) {
    if (!transfer.take(rest.substr(0, piece))) return 0;
    rest.remove_prefix(std::min(piece, rest.size()));
    if (transfer.asked()) transfer.offer(std::vector<std::string>(sockets, "eth0"));
    while (const auto message = transfer.next()) {
      require(message->first == given && message->count <= haproxy::kBatchMax, "batches follow each other");
      given += message->count;
    }
    require(given <= sockets, "no socket is made up");
    require(!transfer.is_over() || given == sockets, "it is over when all are given");
  }
  return 0;
}
