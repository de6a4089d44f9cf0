// A connection to a master: one call after the other, each with its replies.
//
// The only part of liveswapctl that waits. A wait ends with a reply, with the connection's end, at a
// deadline, or by a signal that interrupts the client (SIGINT, SIGTERM), which from open() on are taken as
// events.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "os/error.hpp"
#include "os/fd.hpp"
#include "wire/varlink.hpp"

namespace liveswap::ctl {

// Why no reply came.
struct NoReply {
  // gone: the connection ended, maybe to be made again; no_varlink: what listens there is no master, or a strange one
  enum class Why { gone, no_varlink, late, interrupted } why = Why::gone;
  std::string text;  // gone, no_varlink: one clause
};

class Client {
 public:
  using Clock = std::chrono::steady_clock;

  static os::Result<Client> open(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  // Whose master it is, as the kernel says.
  [[nodiscard]] std::optional<uid_t> peer_uid() const;

  // Sends the call. The replies are then got by next(), up to and with the first that has not `continues`.
  [[nodiscard]] std::expected<void, NoReply> send(const wire::varlink::Call& call);
  // Without a deadline it waits as long as it takes.
  [[nodiscard]] std::expected<wire::varlink::Reply, NoReply> next(
      std::optional<Clock::time_point> deadline = {});

  // Waits that long, unless something happens on the connection: then it is gone, for nothing was asked.
  [[nodiscard]] std::expected<void, NoReply> pause(Clock::duration wait);

  // Waits that long, whatever happens on the connection.
  [[nodiscard]] std::expected<void, NoReply> rest(Clock::duration wait);

  // A call with one reply, which has to come within `patience`.
  [[nodiscard]] std::expected<wire::varlink::Reply, NoReply> ask(std::string_view method,
                                                                 wire::Json parameters,
                                                                 Clock::duration patience);

 private:
  Client(os::OwnedFd socket, os::OwnedFd signals, std::string path);

  // No events: not even for the connection's end.
  [[nodiscard]] std::expected<void, NoReply> wait_for(short events,
                                                      std::optional<Clock::time_point> deadline);
  [[nodiscard]] std::expected<void, NoReply> receive();

  os::OwnedFd socket_;
  os::OwnedFd signals_;
  std::string path_;
  wire::varlink::Splitter in_{wire::kMaxJsonBytes};
};

}  // namespace liveswap::ctl
