// Listeners that no file names: opened when a worker asks for an address, shared by every worker that asks for the
// same, kept from generation to generation, and closed when no generation uses them any more. And the rules of who may
// have what: a worker gets a listener that its app lists; else an address that its own uid could bind by itself, or
// that `allow_bind` lists. What another app has is in use.
//
// Owned by Master. The listeners themselves are kept by Listeners, as those of the file are.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.hpp"
#include "core/plan.hpp"
#include "master/adoption.hpp"
#include "master/bound_socket.hpp"
#include "master/listeners.hpp"
#include "master/listeners_state.hpp"
#include "master/server_request.hpp"

namespace liveswap::master {

class OnDemand {
 public:
  explicit OnDemand(Listeners& listeners) : listeners_(listeners) {}

  // The socket is borrowed; it stays open for as long as the generation lives.
  [[nodiscard]] std::expected<BoundSocket, ServerRefusal> socket_for(const ServerRequest& request);
  // The same, of a steered address, for sockets of the worker's own.
  [[nodiscard]] std::expected<BoundSocket, ServerRefusal> place_for(const ServerRequest& request);
  // Sockets of a server that runs, and becomes that worker of the app: its addresses are the app's from now on. The
  // error is a sentence; what was taken before it stays as it is.
  [[nodiscard]] std::expected<void, std::string> adopt(const SocketUser& user, const core::AppPlan& plan,
                                                       std::vector<AdoptedSocket> sockets);
  // Whether the app has that address open, and clients find it.
  [[nodiscard]] bool has_place(const ServerRequest& request) const;
  // How many the app has open.
  [[nodiscard]] std::uint32_t opened_by(core::AppId app) const;
  // All of the app's, in the order of their opening.
  [[nodiscard]] std::vector<BoundSocket> opened_for(core::AppId app) const;

  // What the servers of all workers under one key have in common, as Node has it (TLS session ticket keys): the first
  // worker says it, and it stays for later generations. Texts of Node's, passed on and not looked into.
  [[nodiscard]] std::string shared_data(core::AppId app, const std::string& key, const std::string& offered);

  [[nodiscard]] OnDemandState save() const;
  // Instead of what there is; behind Listeners::restore().
  void restore(OnDemandState state);

  void generation_gone(core::AppId app, core::GenerationId generation);

 private:
  using Entry = OnDemandEntry;

  [[nodiscard]] std::expected<BoundSocket, ServerRefusal> hand(const ServerRequest& request, BoundSocket socket);
  [[nodiscard]] std::optional<BoundSocket> known(const ServerRequest& request);
  [[nodiscard]] const Entry* find(const ServerRequest& request) const;
  [[nodiscard]] Entry* find(const ServerRequest& request);
  [[nodiscard]] std::expected<BoundSocket, ServerRefusal> open(const ServerRequest& request);

  Listeners& listeners_;
  std::vector<Entry> entries_;
  std::map<std::pair<core::AppId, std::string>, std::string> data_;
};

// Whether that user could bind the port by itself.
[[nodiscard]] bool may_bind_port(std::uint16_t port, const std::optional<os::FileIdentity>& identity);

}  // namespace liveswap::master
