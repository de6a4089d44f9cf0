#include "master/on_demand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fstream>

#include "config/address.hpp"

namespace liveswap::master {
namespace {

constexpr std::size_t kDataMax = 1024;  // servers of which data is remembered; more only do without
constexpr mode_t kPathMode = 0755;  // what a program gets that listens by itself under the usual umask

// "web-8080", "web-x.sock": the app's name and what tells its listeners apart, in the letters that a name may have.
std::string name_of(const core::AppPlan& plan, const core::Address& address) {
  constexpr std::size_t kNameMax = 60;  // of 64: leaves room for a number
  std::string name = fmt::format("{}-{}", plan.name, address.port);
  if (core::is_unix(address.kind)) name = plan.name + "-" + address.path.substr(address.path.rfind('/') + 1);
  for (char& letter : name) {
    const bool good = std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '.' || letter == '_';
    if (!good) letter = '-';
  }
  return name.substr(0, kNameMax);
}

std::uint16_t first_unprivileged_port() {
  std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  std::uint16_t port = 0;
  return file >> port ? port : 1024;
}

bool is_allowed(const ServerRequest& request) {
  const auto allows = [&](const core::Address& allowed) { return config::same_socket(allowed, request.address); };
  if (std::ranges::any_of(request.plan.allow_bind, allows)) return true;
  return core::is_unix(request.address.kind) || may_bind_port(request.address.port, request.identity);
}

ServerRefusal refusal(const ServerRequest& request, int error, std::string_view why) {
  return {error, fmt::format("asks for {}: {}", config::text_of(request.address), why)};
}

}  // namespace

bool may_bind_port(std::uint16_t port, const std::optional<os::FileIdentity>& identity) {
  return !identity || identity->uid == 0 || port == 0 || port >= first_unprivileged_port();
}

std::expected<BoundSocket, ServerRefusal> OnDemand::socket_for(const ServerRequest& request) {
  const auto configured = listeners_.socket_at(request.address, request.v6only, request.plan.all_listeners());
  if (configured) return *configured;
  if (Entry* entry = find(request)) {
    if (listeners_.still_there(entry->name)) {
      entry->users.insert(request.generation);
      return listeners_.sockets_of(std::span(&entry->name, 1)).front();
    }
    entry->replaced = true;
  }
  return open(request);
}

OnDemand::Entry* OnDemand::find(const ServerRequest& request) {
  const auto entry = std::ranges::find_if(entries_, [&](const Entry& known) {
    return !known.replaced && known.app == request.app && known.v6only == request.v6only &&
           config::same_socket(known.address, request.address) &&
           (request.address.port != 0 || known.index == request.index);
  });
  return entry == entries_.end() ? nullptr : &*entry;
}

std::expected<BoundSocket, ServerRefusal> OnDemand::open(const ServerRequest& request) {
  const auto held = std::ranges::count(entries_, request.app, &Entry::app);
  if (static_cast<std::uint32_t>(held) >= request.plan.on_demand_max) {
    return std::unexpected(
        refusal(request, EMFILE, fmt::format("its app has opened {} already (on_demand_max)", held)));
  }
  if (!is_allowed(request)) {
    return std::unexpected(refusal(
        request, EACCES, "its user may not bind that port, no listener of the app has it, and allow_bind does not"));
  }
  core::ListenerPlan plan{.name = listeners_.free_name(name_of(request.plan, request.address)),
                          .addresses = {request.address},
                          .options = {}};
  plan.options.v6only = request.v6only;
  plan.options.nonblock = true;  // Node makes it so anyway
  PathRights rights;
  rights.mode = kPathMode;
  rights.maker = request.identity;
  if (const auto added = listeners_.add_for(request.app, plan, rights); !added) {
    const int fallback = core::is_unix(request.address.kind) ? EADDRINUSE : EINVAL;
    return std::unexpected(ServerRefusal{added.error().code == 0 ? fallback : added.error().code,
                                         "asks for a server: " + added.error().text});
  }
  entries_.push_back({plan.name, request.app, request.address, request.v6only, request.index, {request.generation}});
  return listeners_.sockets_of(std::span(&plan.name, 1)).front();
}

std::string OnDemand::shared_data(core::AppId app, const std::string& key, const std::string& offered) {
  const auto known = data_.find({app, key});
  if (known != data_.end()) return known->second;
  if (!offered.empty() && data_.size() < kDataMax) data_.emplace(std::pair(app, key), offered);
  return offered;
}

void OnDemand::generation_gone(core::AppId app, core::GenerationId generation) {
  std::erase_if(entries_, [&](Entry& entry) {
    if (entry.app != app || entry.users.erase(generation) == 0 || !entry.users.empty()) return false;
    listeners_.remove(entry.name);
    return true;
  });
}

}  // namespace liveswap::master
