#include "master/on_demand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <utility>

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
  if (core::is_unix(request.address.kind) || request.may_bind_any_port) return true;
  if (request.steered) return request.address.port >= first_unprivileged_port();  // root may have given the right up
  return may_bind_port(request.address.port, request.identity);
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
  if (configured) return hand(request, *configured);
  if (auto opened = known(request)) return *opened;
  return open(request);
}

std::expected<BoundSocket, ServerRefusal> OnDemand::place_for(const ServerRequest& request) {
  const auto names = request.plan.all_listeners();
  if (auto configured = listeners_.place_for(request.address, request.v6only, names)) return *configured;
  if (auto opened = known(request)) return *opened;
  return open(request);
}

std::optional<BoundSocket> OnDemand::known(const ServerRequest& request) {
  Entry* entry = find(request);
  if (entry == nullptr) return std::nullopt;
  // Programs remove what is at a path before they bind it; where another worker of their generation has just bound it,
  // that is meant for none of the two.
  const bool has_just_bound = entry->users.contains(request.worker.generation);
  if (listeners_.still_there(entry->name) || (has_just_bound && listeners_.show_again(entry->name))) {
    entry->users.insert(request.worker.generation);
    return listeners_.sockets_of(std::span(&entry->name, 1)).front();
  }
  entry->replaced = true;
  return std::nullopt;
}

std::expected<void, std::string> OnDemand::adopt(const SocketUser& user, const core::AppPlan& app,
                                                 std::vector<AdoptedSocket> sockets) {
  while (!sockets.empty()) {
    const core::Address address = sockets.front().address;
    const bool v6only = sockets.front().v6only;
    std::vector<os::OwnedFd> same;
    std::erase_if(sockets, [&](AdoptedSocket& socket) {
      if (!config::same_socket(socket.address, address) || socket.v6only != v6only) return false;
      same.push_back(std::move(socket.fd));
      return true;
    });
    core::ListenerPlan plan{.name = listeners_.free_name(name_of(app, address)), .addresses = {address}, .options = {}};
    plan.handoff = core::Handoff::steered;
    plan.options.v6only = v6only;
    plan.options.nonblock = true;
    if (auto adopted = listeners_.adopt_for(user, plan, std::move(same)); !adopted) {
      return std::unexpected(std::move(adopted.error().text));
    }
    entries_.push_back({plan.name, user.worker.app, address, v6only, 0, {user.worker.generation}});
  }
  return {};
}

std::uint32_t OnDemand::opened_by(core::AppId app) const {
  return static_cast<std::uint32_t>(std::ranges::count(entries_, app, &Entry::app));
}

std::vector<BoundSocket> OnDemand::opened_for(core::AppId app) const {
  std::vector<BoundSocket> opened;
  for (const Entry& entry : entries_) {
    if (entry.app != app) continue;
    std::ranges::move(listeners_.sockets_of(std::span(&entry.name, 1)), std::back_inserter(opened));
  }
  return opened;
}

std::expected<BoundSocket, ServerRefusal> OnDemand::hand(const ServerRequest& request, BoundSocket socket) {
  const auto handed = listeners_.hand_to({request.worker, has_own_queue(request.plan.policy)}, socket);
  if (!handed) return std::unexpected(ServerRefusal{ENOBUFS, "asks for a server: " + handed.error()});
  return socket;
}

bool OnDemand::has_place(const ServerRequest& request) const {
  const Entry* entry = find(request);
  return entry != nullptr && listeners_.still_there(entry->name);
}

OnDemand::Entry* OnDemand::find(const ServerRequest& request) {
  return const_cast<Entry*>(std::as_const(*this).find(request));
}

const OnDemand::Entry* OnDemand::find(const ServerRequest& request) const {
  const auto entry = std::ranges::find_if(entries_, [&](const Entry& known) {
    return !known.replaced && known.app == request.worker.app && known.v6only == request.v6only &&
           config::same_socket(known.address, request.address) &&
           (request.address.port != 0 || known.index == request.index);
  });
  return entry == entries_.end() ? nullptr : &*entry;
}

std::expected<BoundSocket, ServerRefusal> OnDemand::open(const ServerRequest& request) {
  const std::uint32_t held = opened_by(request.worker.app);
  if (held >= request.plan.on_demand_max) {
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
  if (request.steered) plan.handoff = core::Handoff::steered;
  PathRights rights;
  rights.mode = request.path_mode.value_or(kPathMode);
  rights.maker = request.identity;
  if (const auto added = listeners_.add_for(request.worker.app, plan, rights); !added) {
    const int fallback = core::is_unix(request.address.kind) ? EADDRINUSE : EINVAL;
    std::string text = "asks for a server: " + added.error().text;
    const bool is_held = request.steered && text.contains(": held by PID ");
    if (is_held) text += "; `liveswapctl adopt` takes over a server that runs";
    return std::unexpected(ServerRefusal{added.error().code == 0 ? fallback : added.error().code, std::move(text)});
  }
  entries_.push_back({plan.name,
                      request.worker.app,
                      request.address,
                      request.v6only,
                      request.index,
                      {request.worker.generation}});
  return listeners_.sockets_of(std::span(&plan.name, 1)).front();
}

OnDemandState OnDemand::save() const { return {entries_, data_}; }

void OnDemand::restore(OnDemandState state) {
  std::erase_if(state.entries, [this](const Entry& entry) { return !listeners_.has(entry.name); });
  entries_ = std::move(state.entries);
  data_ = std::move(state.data);
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
