// protocol: systemd. The worker takes its sockets from LISTEN_FDS, says READY=1 on NOTIFY_SOCKET and is asked
// to drain by a signal. The channel is closed when its program is executed. All of that is what every protocol
// has that has nothing of its own.
#pragma once

#include "protocols/protocol.hpp"

namespace liveswap::protocols {

class Systemd final : public Protocol {};

}  // namespace liveswap::protocols
