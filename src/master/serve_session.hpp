// What one client of a socket for other programs hears: a protocol's side of the conversation, as bytes in and pieces
// out. One file for each protocol: serve_haproxy, serve_uwsgi, serve_multibinder.
//
// Owned by ServeConnection, which reads, writes, and limits how long and how much.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.hpp"

namespace liveswap::master {

// Descriptors go with the first byte; the copies are held until they are sent, whatever becomes of the listener.
struct ServePiece {
  std::string bytes;
  std::vector<os::OwnedFd> fds;
};

class ServeSession {
 public:
  ServeSession() = default;
  ServeSession(const ServeSession&) = delete;
  ServeSession& operator=(const ServeSession&) = delete;
  virtual ~ServeSession() = default;

  // What is to be sent, now that the client has said this; first called with nothing, when it has connected. The
  // error ends the conversation, and is what the client did, for the log: "said what nobody waits for".
  [[nodiscard]] virtual std::expected<std::vector<ServePiece>, std::string> take(std::string_view bytes) = 0;

  // Once all is sent, the conversation is over.
  [[nodiscard]] virtual bool is_over() const = 0;
};

}  // namespace liveswap::master
