#include "config/decode_listeners.hpp"

#include <algorithm>
#include <array>
#include <climits>

#include "config/accounts.hpp"
#include "config/address.hpp"
#include "config/keys.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

using core::Address;
using core::SocketKind;

// More sockets than that in one master are a mistake; each pair of them is compared.
constexpr std::size_t kSocketsMax = 1000;

// IFNAMSIZ, less its zero.
constexpr std::size_t kInterfaceNameMax = 15;

// Which sockets an option is for.
enum class Fits { all, queue, tcp, inet, ipv6, path };

struct Option {
  std::string_view key;
  Fits fits;
};

constexpr std::array<Option, 18> kOptions{{
    {"backlog", Fits::queue},
    {"nonblock", Fits::all},
    {"nodelay", Fits::tcp},
    {"keepalive", Fits::tcp},
    {"defer_accept", Fits::tcp},
    {"fastopen", Fits::tcp},
    {"freebind", Fits::inet},
    {"transparent", Fits::inet},
    {"mark", Fits::inet},
    {"interface", Fits::inet},
    {"rcvbuf", Fits::all},
    {"sndbuf", Fits::all},
    {"reuseport", Fits::inet},
    {"tos", Fits::inet},
    {"v6only", Fits::ipv6},
    {"mode", Fits::path},
    {"user", Fits::path},
    {"group", Fits::path},
}};

bool fits(Fits wanted, const Address& address) {
  switch (wanted) {
    case Fits::all: return true;
    case Fits::queue: return !is_datagram(address.kind);
    case Fits::tcp: return address.kind == SocketKind::tcp;
    case Fits::inet: return !is_unix(address.kind);
    case Fits::ipv6: return is_ipv6(address);
    case Fits::path: return is_unix(address.kind) && !address.abstract;
  }
  return false;
}

std::string_view in_words(Fits wanted) {
  switch (wanted) {
    case Fits::all: return "";
    case Fits::queue: return "is for sockets that accept: tcp, unix and unix-seqpacket";
    case Fits::tcp: return "is for tcp";
    case Fits::inet: return "is for tcp and udp";
    case Fits::ipv6: return "is for IPv6 addresses, as tcp://[::]:80";
    case Fits::path: return "is for Unix sockets with a path";
  }
  return "";
}

struct PlacedAddress {
  Address address;
  std::size_t offset = 0;
};

std::vector<PlacedAddress> addresses_at(Section& section, std::string_view key) {
  std::vector<PlacedAddress> addresses;
  auto words = section.words(key, "an address");
  if (words && words->empty()) section.error(key, "at least one address is needed");
  for (const auto& word : words.value_or(std::vector<PlacedWord>{})) {
    auto parsed = parse_address(word.text, section.context().folder);
    if (!parsed) {
      section.error_at(word.offset, key, parsed.error());
      continue;
    }
    for (auto& address : *parsed) addresses.push_back({std::move(address), word.offset});
  }
  return addresses;
}

void take_addresses(Section& section, std::string_view key, PlacedListener& listener) {
  for (auto& [address, offset] : addresses_at(section, key)) {
    listener.plan.addresses.push_back(std::move(address));
    listener.address_offsets.push_back(offset);
  }
}

// Another kind of socket could not be bound to the listener's address.
void take_match(Section& section, PlacedListener& listener) {
  const auto& own = listener.plan.addresses;
  for (auto& [address, offset] : addresses_at(section, "match")) {
    const bool fits = std::ranges::any_of(own, [&](const Address& one) { return one.kind == address.kind; });
    if (!fits) {
      section.error_at(offset, "match", fmt::format("{} is another kind of socket than the listener's",
                                                    quoted(address.text)));
    }
    listener.plan.match.push_back(std::move(address));
  }
}

Parsed<std::string> parse_interface(std::string_view text) {
  bool good = !text.empty() && text.size() <= kInterfaceNameMax &&
              text.find_first_of(" /:") == std::string_view::npos;
  if (good) return std::string(text);
  return std::unexpected(fmt::format("{} is not the name of a network interface", quoted(text)));
}

auto number(std::uint64_t min, std::uint64_t max) {
  return [min, max](std::string_view text) { return parse_number(text, min, max); };
}

auto bits(std::uint64_t max) {
  return [max](std::string_view text) { return parse_bits(text, max); };
}

void take_optional_number(Section& section, std::string_view key, std::optional<int>& target,
                          std::uint64_t min) {
  if (!section.has(key)) return;
  int value = 0;
  section.take(key, value, number(min, INT_MAX));
  target = value;
}

void take_defer_accept(Section& section, core::SocketOptions& options) {
  if (!section.has("defer_accept")) return;
  core::Duration wait{};
  section.take_duration("defer_accept", wait, {.zero = false, .infinity = false});
  if (wait % std::chrono::seconds(1) != core::Duration::zero()) {
    section.error("defer_accept", "the kernel knows whole seconds only");
  }
  options.defer_accept = wait;
}

void take_options(Section& section, core::SocketOptions& options) {
  take_optional_number(section, "backlog", options.backlog, 1);
  if (options.backlog && *options.backlog > section.context().facts.somaxconn) {
    section.warning("backlog", fmt::format("the kernel cuts it to net.core.somaxconn, {}",
                                           section.context().facts.somaxconn));
  }
  for (auto [key, target] : {std::pair{"v6only", &options.v6only},
                             {"nonblock", &options.nonblock},
                             {"reuseport", &options.reuseport},
                             {"freebind", &options.freebind},
                             {"transparent", &options.transparent}}) {
    section.take(key, *target, parse_boolean);
  }
  section.take("nodelay", options.nodelay, parse_boolean);
  section.take("keepalive", options.keepalive, parse_boolean);
  take_defer_accept(section, options);
  take_optional_number(section, "fastopen", options.fastopen, 1);
  section.take("mark", options.mark, bits(UINT32_MAX));
  section.take("interface", options.interface, parse_interface);
  take_optional_number(section, "rcvbuf", options.rcvbuf, 1);
  take_optional_number(section, "sndbuf", options.sndbuf, 1);
  section.take("tos", options.tos, bits(255));
  section.take("mode", options.mode, parse_mode);
  take_user(section, "user", options.user, AccountUse::own);
  take_group(section, "group", options.group, AccountUse::own);
}

// Which of a path's sockets is found is a matter of names; an abstract one has no second name, and senders that have
// connected a datagram socket go by the socket, not by the name.
bool can_be_steered(const Address& address) {
  return !is_unix(address.kind) || (!address.abstract && !is_datagram(address.kind));
}

void take_handoff(Section& section, PlacedListener& listener) {
  core::ListenerPlan& plan = listener.plan;
  section.take_choice("handoff", plan.handoff);
  section.take_choice("queues", plan.queues);
  const bool steered = plan.handoff == core::Handoff::steered;
  listener.says_shared = section.has("handoff") && !steered;
  if (section.has("queues") && !steered) section.error("queues", "goes with handoff: steered only");
  if (!steered) return;
  const auto unfit = std::ranges::find_if_not(plan.addresses, can_be_steered);
  if (unfit != plan.addresses.end()) {
    section.error("handoff", fmt::format("{} cannot be steered: that is for tcp, udp, and unix and unix-seqpacket with "
                                         "a path", quoted(unfit->text)));
  }
  const bool has_path = std::ranges::any_of(plan.addresses, core::is_unix, &Address::kind);
  if (has_path && plan.queues == core::Queues::per_worker) {
    section.error("queues", "per-worker is for tcp and udp: clients of a path find one socket");
  }
}

void check_fits(Section& section, const PlacedListener& listener) {
  for (const auto& option : kOptions) {
    if (!section.has(option.key) || listener.plan.addresses.empty()) continue;
    bool useful = std::any_of(listener.plan.addresses.begin(), listener.plan.addresses.end(),
                              [&option](const Address& address) { return fits(option.fits, address); });
    if (!useful) section.error(option.key, in_words(option.fits));
  }
}

PlacedListener decode_listener(Context& context, const Node& listeners, const Entry& entry) {
  PlacedListener listener{.plan = {.name = entry.key}, .offset = entry.key_offset};
  Section all(context, &listeners, "listeners");
  if (auto name = parse_name(entry.key); !name) {
    context.findings.error(entry.key_offset, fmt::format("listeners: {}", name.error()));
  }
  if (entry.value.kind != NodeKind::map) {
    take_addresses(all, entry.key, listener);
    return listener;
  }
  auto section = all.section(entry.key);
  if (!section.has("address")) {
    all.error_at(entry.key_offset, entry.key, "an address is needed");
  }
  take_addresses(section, "address", listener);
  take_options(section, listener.plan.options);
  listener.says_blocking = section.has("nonblock") && !listener.plan.options.nonblock;
  take_handoff(section, listener);
  take_match(section, listener);
  check_fits(section, listener);
  return listener;
}

struct PlacedClaim {
  const PlacedListener* listener;
  const Address* address;
  std::size_t offset;
};

void check_conflicts(Context& context, const std::vector<PlacedListener>& listeners) {
  std::vector<PlacedClaim> claims;
  for (const auto& listener : listeners) {
    for (std::size_t i = 0; i < listener.plan.addresses.size(); ++i) {
      claims.push_back({&listener, &listener.plan.addresses[i], listener.address_offsets[i]});
    }
  }
  if (claims.size() > kSocketsMax) {
    context.findings.error(claims[kSocketsMax].offset,
                           fmt::format("listeners: more than {} sockets", kSocketsMax));
    return;
  }
  for (std::size_t later = 1; later < claims.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const auto &a = claims[earlier], &b = claims[later];
      auto reason = conflict({*a.address, a.listener->plan.options}, {*b.address, b.listener->plan.options});
      if (reason.empty()) continue;
      context.findings.error(
          b.offset,
          fmt::format("listeners.{}: {} and {} of listener {} (line {}) exclude each other: {}",
                      b.listener->plan.name, quoted(b.address->text), quoted(a.address->text),
                      quoted(a.listener->plan.name), context.source.position(a.offset).line, reason));
      break;
    }
  }
}

}  // namespace

std::vector<PlacedListener> decode_listeners(Context& context, const Node* node) {
  std::vector<PlacedListener> listeners;
  if (!node || node->kind != NodeKind::map) return listeners;
  for (const auto& entry : node->entries) listeners.push_back(decode_listener(context, *node, entry));
  check_conflicts(context, listeners);
  return listeners;
}

}  // namespace liveswap::config
