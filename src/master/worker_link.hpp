// A way by which one worker and the master speak that not every worker has: Node's channel, say. Owned by the worker's
// process, from before its launch until its end; channel (worker_channel.hpp) and NOTIFY_SOCKET (notify_socket.hpp) are
// what every worker has besides.
//
//   gift()  ──launched──▶  given()  ──…──▶  finish()
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "master/link_state.hpp"
#include "master/worker_keeper.hpp"
#include "os/fd.hpp"
#include "protocols/worker_event.hpp"

namespace liveswap::master {

struct LinkHandlers {
  std::function<void(const std::vector<protocols::WorkerEvent>&)> said;
  std::function<void(std::string_view text)> problem;  // for the log
  WorkerKeeper* keeper = nullptr;                      // of copies of its descriptors; none: none are kept

  [[nodiscard]] KeptPart keep(os::FdRef fd) const {
    return keeper == nullptr ? KeptPart() : keeper->keep(KeepRole::worker_link, fd);
  }
  [[nodiscard]] os::Result<LeftPart> take(std::uint32_t number) const {
    return keeper->take(KeepRole::worker_link, number);
  }
};

// What the worker is given, so that it finds its end.
struct LinkGift {
  std::vector<std::pair<std::string, std::string>> variables{};
  struct Descriptor {
    os::FdRef fd;     // borrowed until given()
    int number = -1;  // that it gets in the worker
  };
  std::vector<Descriptor> descriptors{};
  std::string library{};  // that its programs load, behind those of its LD_PRELOAD; "" for none
};

class WorkerLink {
 public:
  WorkerLink() = default;
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;
  virtual ~WorkerLink() = default;

  // `free`: the lowest number that is not yet taken in the worker.
  [[nodiscard]] virtual LinkGift gift(int free) const = 0;
  // The worker has its own copy: what the master held for it is closed.
  virtual void given() {}
  // The worker's process has ended: what it sent is taken now.
  virtual void finish() {}

  // For the next master, which has given() behind it.
  [[nodiscard]] virtual LinkState save() const = 0;

  // Asks the worker to drain, or hands it an operator's message; false: not by this link.
  [[nodiscard]] virtual bool ask_to_drain() { return false; }
  [[nodiscard]] virtual bool tell(std::string_view) { return false; }
};

}  // namespace liveswap::master
