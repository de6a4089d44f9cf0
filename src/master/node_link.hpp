// NODE_CHANNEL_FD of one worker: the master is the primary of its cluster module. Reads what it says, writes what it is
// told, and attaches the listening sockets that it asks for. What is said means something in
// protocols/node_session.hpp.
//
// A worker that closes its channel has left its primary: Node ends such a worker by itself, and its end says the rest.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/plan.hpp"
#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/server_request.hpp"
#include "master/worker_link.hpp"
#include "os/discard.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "protocols/node_session.hpp"
#include "wire/node_ipc.hpp"

namespace liveswap::master {

// A server that a worker may use. The descriptor is borrowed for the call.
struct ServerSocket {
  os::FdRef fd;
  std::string data;  // that the first worker's server has set for all; "" for none
};

class NodeLink final : public WorkerLink {
 public:
  struct Handlers {
    LinkHandlers link;
    std::function<std::expected<ServerSocket, ServerRefusal>(const wire::node::ServerQuery&)> server;
  };
  struct Settings {
    core::ReadyWhen ready_when = core::ReadyWhen::notify;
    std::string drain_message;
  };

  [[nodiscard]] static os::Result<std::unique_ptr<NodeLink>> open(loop::Loop& loop, Settings settings,
                                                                  Handlers handlers);

  [[nodiscard]] static os::Result<std::unique_ptr<NodeLink>> go_on(loop::Loop& loop, Settings settings,
                                                                   Handlers handlers, NodeLinkState state);
  [[nodiscard]] LinkState save() const override;

  ~NodeLink() override { os::discard_unread(ours_); }

  [[nodiscard]] LinkGift gift(int free) const override;
  void given() override { theirs_.reset(); }
  void finish() override { on_readable(); }
  [[nodiscard]] bool ask_to_drain() override;
  [[nodiscard]] bool tell(std::string_view text) override;

 private:
  NodeLink(Settings settings, Handlers handlers);
  [[nodiscard]] os::Result<void> watch(loop::Loop& loop);
  void on_readable();
  void take(std::string_view bytes);
  void answer(const wire::node::ServerQuery& query);
  void write();
  void close();

  Settings settings_;
  Handlers handlers_;
  protocols::NodeSession session_;
  os::OwnedFd ours_;
  KeptPart kept_;
  os::OwnedFd theirs_;
  struct Sent {
    os::OwnedFd fd;
    KeptPart kept;
  };
  std::map<std::string, Sent> to_send_;  // descriptors of servers that were granted, until they have arrived
  std::size_t written_ = 0;                     // of the line that is being written
  bool told_foreign_ = false;
  bool told_ready_ = false;
  std::unique_ptr<loop::FdWatch> watch_;  // none: the channel is closed
};

}  // namespace liveswap::master
