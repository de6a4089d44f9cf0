// The end of a Unix socket that strangers write to. A descriptor that waits unread in its queue is closed by whoever
// closes the socket, and to close one can take as long as its sender likes: a TCP socket with SO_LINGER and bytes that
// nobody reads. So what is unread is taken in first, by receive_packet(), after which no descriptor lingers.
#pragma once

#include "os/fd.hpp"

namespace liveswap::os {

// Of a connection, or a socket for datagrams. Nobody can write to it any more. On a SOCK_SEQPACKET an empty packet ends
// it, unless receive_credentials() was called before that came.
void discard_unread(FdRef socket);

// Of a listening socket: the connections that nobody has accepted. Nobody can connect any more.
void discard_unaccepted(FdRef listener);

}  // namespace liveswap::os
