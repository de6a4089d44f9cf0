// What a liveswap_worker is inside. The library is C++ without libstdc++, so that C programs link nothing
// more than libc: memory comes from calloc, and members are plain. Owned by the program from liveswap_open to
// liveswap_close.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "liveswap/worker.h"
#include "wire/channel.hpp"

namespace liveswap::worker {

struct NamedListener {
  int fd = -1;
  char* name = nullptr;  // from strdup
};

// Grows by late listeners; the names stay where they are.
class ListenerTable {
 public:
  [[nodiscard]] bool add(std::string_view name, int fd);  // false: no memory
  void free_all();                                        // closes nothing
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const NamedListener* at(std::size_t index) const {
    return index < count_ ? &rows_[index] : nullptr;
  }

 private:
  NamedListener* rows_;
  std::size_t count_;
  std::size_t room_;
};

struct NotifySocket {
  int fd;  // -1: there is none
  sockaddr_un address;
  socklen_t address_size;
};

// When something was last sent that programs may say at each turn of their loop.
struct LastSent {
  bool sent;
  std::uint64_t at_usec;
};

}  // namespace liveswap::worker

struct liveswap_worker {
  liveswap_protocol protocol;
  int channel;    // -1: none, or the master is gone
  int signal_fd;  // -1: SIGTERM is the program's own business
  liveswap::worker::NotifySocket notify;
  liveswap::worker::ListenerTable listeners;
  std::uint64_t watchdog_usec;
  liveswap_callbacks callbacks;
  void* callback_data;
  liveswap::worker::LastSent connections;
  liveswap::worker::LastSent watchdog;
  std::byte packet[liveswap::wire::channel::kPacketMax];
};

namespace liveswap::worker {

// Fills in a zeroed worker from the environment: 0, or a negative errno. environment.cpp
[[nodiscard]] int read_environment(liveswap_worker& worker, unsigned flags);

// Both 0 or a negative errno; neither blocks. sending.cpp
[[nodiscard]] int send_on_channel(liveswap_worker& worker, const wire::channel::Message& message);
[[nodiscard]] int send_notification(liveswap_worker& worker, std::string_view text);

// One packet off the channel: 1 where it was handled, 0 where there is none, or a negative errno.
// receiving.cpp
[[nodiscard]] int receive_one(liveswap_worker& worker);

}  // namespace liveswap::worker
