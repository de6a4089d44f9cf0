// protocol: server-starter. The worker takes its sockets from SERVER_STARTER_PORT and says nothing: it is ready when it
// has lived for a while, and drains on TERM. All that differs from other protocols is in core/protocols.def.
#pragma once

#include "protocols/protocol.hpp"

namespace liveswap::protocols {

class ServerStarter final : public Protocol {};

}  // namespace liveswap::protocols
