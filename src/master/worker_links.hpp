// Which links (worker_link.hpp) a worker has: by its release's protocol and keys.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/action.hpp"
#include "master/bind_watch.hpp"
#include "master/release.hpp"
#include "master/worker_context.hpp"
#include "master/worker_link.hpp"
#include "master/worker_socket.hpp"

namespace liveswap::master {

using WorkerLinks = std::vector<std::unique_ptr<WorkerLink>>;

struct LinkRequest {
  const WorkerContext& context;  // outlives the links
  core::Spawn ids;
  std::shared_ptr<const Release> release;
  std::function<WorkerAddress(std::string_view suffix)> address;  // of a socket that the worker speaks to
  BindWatch* preloaded = nullptr;  // whom the library in it asks; outlives the links
  // What the master before has left of them; none: they are opened.
  std::optional<std::vector<LinkState>> left{};
};

[[nodiscard]] std::expected<WorkerLinks, std::string> make_links(const LinkRequest& request,
                                                                 const LinkHandlers& handlers);

}  // namespace liveswap::master
