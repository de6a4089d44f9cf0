#include "master/serving.hpp"

#include <utility>

#include "master/serve_haproxy.hpp"
#include "master/serve_multibinder.hpp"
#include "master/serve_uwsgi.hpp"

namespace liveswap::master {

std::expected<void, std::string> Serving::open(loop::Loop& loop, const Log& log, const core::ServePlan& plan,
                                               const AccessRules& rules, Keeper& keeper) {
  const auto add = [&]<class Session>(std::string name, const std::string& path) -> std::expected<void, std::string> {
    const KeepKey key{KeepRole::serve_listener, static_cast<std::uint32_t>(servers_.size()), 0};
    auto server = ServeServer::open(loop, log, {.name = std::move(name), .path = path}, rules, {keeper, key},
                                    [this] { return std::make_unique<Session>(listeners_); });
    if (!server) return std::unexpected(server.error());
    servers_.push_back(std::move(*server));
    return {};
  };
  std::expected<void, std::string> all;
  if (plan.haproxy) all = add.operator()<HaproxySession>("haproxy", *plan.haproxy);
  if (all && plan.uwsgi) all = add.operator()<UwsgiSession>("uwsgi", *plan.uwsgi);
  if (all && plan.multibinder) all = add.operator()<MultibinderSession>("multibinder", plan.multibinder->socket);
  if (!all) servers_.clear();
  return all;
}

}  // namespace liveswap::master
