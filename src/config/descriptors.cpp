#include "config/descriptors.hpp"

#include <algorithm>

namespace liveswap::config {

namespace {

constexpr int kStandardInput = 0;

void add_sockets(std::vector<Descriptor>& out, const std::vector<core::ListenerPlan>& listeners,
                 const std::string& name, int first) {
  auto listener =
      std::ranges::find_if(listeners, [&](const core::ListenerPlan& known) { return known.name == name; });
  if (listener == listeners.end()) return;
  for (std::size_t i = 0; i < listener->addresses.size(); ++i) {
    out.push_back({first + static_cast<int>(i), name, i, listener->addresses[i]});
  }
}

}  // namespace

std::vector<Descriptor> descriptors_of(const std::vector<core::ListenerPlan>& listeners, const core::AppPlan& app) {
  std::vector<Descriptor> out;
  if (app.stdin_listener) add_sockets(out, listeners, *app.stdin_listener, kStandardInput);
  int next = app.first_descriptor();
  for (const auto& name : app.listeners) {
    const auto before = out.size();
    add_sockets(out, listeners, name, next);
    next += static_cast<int>(out.size() - before);
  }
  return out;
}

std::vector<ExtraDescriptor> extra_descriptors_of(const std::vector<core::ListenerPlan>& listeners,
                                                  const core::AppPlan& app) {
  const bool is_node = app.protocol == core::Protocol::node;
  const auto sockets = descriptors_of(listeners, app);
  int next = app.first_descriptor();
  if (core::hands_descriptors(app.protocol) && !sockets.empty()) next = std::max(next, sockets.back().number + 1);
  std::vector<ExtraDescriptor> out;
  if (app.inherit_as == core::InheritAs::tableflip) {
    out.push_back({3, "tableflip's pipe to say ready on"});
    out.push_back({4, "tableflip's pipe with the names of the listeners"});
  }
  if (app.protocol == core::Protocol::native) out.push_back({next++, "the channel"});
  if (is_node) out.push_back({next++, "Node's channel (NODE_CHANNEL_FD)"});
  if (app.protocol == core::Protocol::einhorn) {
    out.push_back({next++, "einhorn's command socket (EINHORN_SOCK_FD), connected"});
  }
  if (app.inherit_as == core::InheritAs::ecdysis) {
    out.push_back({next++, "ecdysis' pipe with the names of the listeners (ECDYSIS_RUST_PIPE_FDS)"});
    out.push_back({next++, "ecdysis' pipe to say ready on (ECDYSIS_RUST_PIPE_READY)"});
  }
  if (app.notify_fd) out.push_back({next++, "notifications (NOTIFY_FD)"});
  if (app.ready.when == core::ReadyWhen::fd && app.ready.fd >= 0) {
    out.push_back({app.ready.fd, "readiness: a newline"});
  }
  return out;
}

}  // namespace liveswap::config
