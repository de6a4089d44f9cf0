#include "protocols/protocol.hpp"

#include <array>

#include "protocols/native.hpp"
#include "protocols/systemd.hpp"

namespace liveswap::protocols {
namespace {

constexpr bool kBySignal[] = {false, true};
enum DrainsBy : std::size_t { message, signal };

constexpr std::array kTable = {
#define PROTOCOL(id, ready_when, drains_by, doc) \
  ProtocolRow{core::Protocol::id, #id, core::ReadyWhen::ready_when, kBySignal[DrainsBy::drains_by], doc},
#include "protocols/protocols.def"
#undef PROTOCOL
};

}  // namespace

std::span<const ProtocolRow> protocol_table() { return kTable; }

// The table has a row for each enumerator, in its order.
#define PROTOCOL(name, ready_when, drains_by, doc) \
  static_assert(kTable[static_cast<std::size_t>(core::Protocol::name)].id == core::Protocol::name);
#include "protocols/protocols.def"
#undef PROTOCOL

const ProtocolRow& row_of(core::Protocol id) { return kTable[static_cast<std::size_t>(id)]; }

std::unique_ptr<const Protocol> make_protocol(core::Protocol id) {
  switch (id) {
    case core::Protocol::native: return std::make_unique<Native>();
    case core::Protocol::systemd: return std::make_unique<Systemd>();
  }
  return nullptr;
}

}  // namespace liveswap::protocols
