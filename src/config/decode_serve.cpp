#include "config/decode_serve.hpp"

#include <algorithm>

#include "config/address.hpp"
#include "config/decode_path.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

// uWSGI takes all descriptors from one message, and the kernel puts no more into one (SCM_MAX_FD).
constexpr std::size_t kSocketsInOneMessage = 253;

// A path of the section, with the key that has it.
struct PlacedPath {
  Section& section;
  std::string key;    // in its section
  std::string shown;  // in messages about another: "serve.haproxy"
  std::string path;
};

void decode_multibinder(Section& multibinder, const Node& where, core::MultibinderPlan& plan) {
  if (auto path = take_socket_path(multibinder, "socket")) plan.socket = *path;
  if (!multibinder.has("socket")) multibinder.error_at(where.offset, "socket", "is needed");
  for (const auto& word : multibinder.words("allow_bind", "an address").value_or(std::vector<PlacedWord>{})) {
    auto addresses = parse_address(word.text, multibinder.context().folder);
    if (!addresses) {
      multibinder.error_at(word.offset, "allow_bind", addresses.error());
    } else if (addresses->front().kind != core::SocketKind::tcp) {
      multibinder.error_at(word.offset, "allow_bind", fmt::format("{} is not tcp", quoted(word.text)));
    } else {
      plan.allow_bind.insert(plan.allow_bind.end(), addresses->begin(), addresses->end());
    }
  }
}

std::string who_has(const std::string& path, const core::MasterPlan& plan) {
  if (plan.control.socket == path) return "the control socket";
  for (const auto& listener : plan.listeners) {
    const bool has = std::ranges::any_of(listener.addresses, [&path](const core::Address& address) {
      return is_unix(address.kind) && !address.abstract && address.path == path;
    });
    if (has) return "listener " + quoted(listener.name);
  }
  return "";
}

void check_alike(const std::vector<PlacedPath>& paths, const core::MasterPlan& plan) {
  for (auto later = paths.begin(); later != paths.end(); ++later) {
    auto owner = who_has(later->path, plan);
    for (auto earlier = paths.begin(); earlier != later && owner.empty(); ++earlier) {
      if (earlier->path == later->path) owner = earlier->shown;
    }
    if (owner.empty()) continue;
    later->section.error(later->key, fmt::format("{} is the path of {} already", quoted(later->path), owner));
  }
}

void check_count(Section& serve, const core::MasterPlan& plan) {
  std::size_t sockets = 0;
  for (const auto& listener : plan.listeners) {
    const auto streams = std::ranges::count_if(listener.addresses, core::is_stream, &core::Address::kind);
    sockets += static_cast<std::size_t>(streams);
  }
  if (sockets <= kSocketsInOneMessage) return;
  serve.error("uwsgi", fmt::format("uWSGI takes at most {} sockets at a time, and the listeners have {}",
                                   kSocketsInOneMessage, sockets));
}

}  // namespace

void decode_serve(Section serve, core::MasterPlan& plan) {
  plan.serve.haproxy = take_socket_path(serve, "haproxy");
  plan.serve.uwsgi = take_socket_path(serve, "uwsgi");
  auto multibinder = serve.section("multibinder");
  const Node* node = serve.find("multibinder");
  if (node && node->kind == NodeKind::map) {
    decode_multibinder(multibinder, *node, plan.serve.multibinder.emplace());
  }
  std::vector<PlacedPath> paths;
  if (plan.serve.haproxy) paths.push_back({serve, "haproxy", "serve.haproxy", *plan.serve.haproxy});
  if (plan.serve.uwsgi) paths.push_back({serve, "uwsgi", "serve.uwsgi", *plan.serve.uwsgi});
  if (plan.serve.multibinder && multibinder.has("socket")) {
    paths.push_back({multibinder, "socket", "serve.multibinder.socket", plan.serve.multibinder->socket});
  }
  check_alike(paths, plan);
  if (plan.serve.uwsgi) check_count(serve, plan);
}

}  // namespace liveswap::config
