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

void take_addresses(Section& section, std::string_view key, PlacedListener& listener) {
  auto words = section.words(key, "an address");
  if (words && words->empty()) section.error(key, "at least one address is needed");
  for (const auto& word : words.value_or(std::vector<PlacedWord>{})) {
    auto parsed = parse_address(word.text, section.context().folder);
    if (!parsed) {
      section.error_at(word.offset, key, parsed.error());
      continue;
    }
    for (auto& address : *parsed) {
      listener.plan.addresses.push_back(std::move(address));
      listener.address_offsets.push_back(word.offset);
    }
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
