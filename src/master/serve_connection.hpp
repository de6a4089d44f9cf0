// One client of a socket for other programs: reads, writes, and ends the conversation in time.
//
// Owned by ServeServer. `gone` is called once, from a loop callback, as the last thing that the connection does; its
// owner then destroys it.
//
// The client is a stranger: it has so long for all of it, is read a little at a time, and not at all while it leaves
// unread what was sent to it.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/serve_session.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

class ServeConnection {
 public:
  // `complaint` is "" where all went well, or the client simply went away.
  using Gone = std::function<void(std::size_t sockets_given, const std::string& complaint)>;

  // The socket must be non-blocking.
  static os::Result<std::unique_ptr<ServeConnection>> open(loop::Loop& loop, os::OwnedFd socket,
                                                           std::unique_ptr<ServeSession> session,
                                                           std::chrono::microseconds time, Gone gone);

  ServeConnection(const ServeConnection&) = delete;
  ServeConnection& operator=(const ServeConnection&) = delete;
  ~ServeConnection();

 private:
  ServeConnection(loop::Loop& loop, os::OwnedFd socket, std::unique_ptr<ServeSession> session,
                  std::chrono::microseconds time, Gone gone);

  void on_ready(loop::Readiness ready);
  void read_some();
  void write_some();
  void hand_over(std::string_view bytes);
  void end(std::string complaint);

  os::OwnedFd socket_;
  std::unique_ptr<ServeSession> session_;
  Gone gone_;
  std::deque<ServePiece> out_;
  std::size_t sent_ = 0;  // bytes of the first piece
  std::size_t sockets_given_ = 0;
  bool begun_ = false;
  bool ended_ = false;
  std::string complaint_;
  loop::Timer time_is_up_;
  std::unique_ptr<loop::FdWatch> watch_;
};

}  // namespace liveswap::master
