#include "protocols/protocol.hpp"

#include "protocols/native.hpp"
#include "protocols/systemd.hpp"

namespace liveswap::protocols {

std::unique_ptr<const Protocol> make_protocol(core::Protocol id) {
  switch (id) {
    case core::Protocol::native: return std::make_unique<Native>();
    case core::Protocol::systemd: return std::make_unique<Systemd>();
  }
  return nullptr;
}

}  // namespace liveswap::protocols
