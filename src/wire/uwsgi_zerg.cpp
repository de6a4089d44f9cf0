#include "wire/uwsgi_zerg.hpp"

#include <cassert>
#include <cstdint>
#include <cstring>

namespace liveswap::wire::uwsgi {

std::string offer(std::size_t sockets) {
  assert(sockets <= kSocketsMax);
  const auto number = static_cast<std::int32_t>(sockets);
  std::string bytes = "uwsgi-zerg";
  bytes.resize(bytes.size() + sizeof number);
  std::memcpy(bytes.data() + bytes.size() - sizeof number, &number, sizeof number);
  return bytes;
}

}  // namespace liveswap::wire::uwsgi
