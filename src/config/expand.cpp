#include "config/expand.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/address.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

using Expanded = std::expected<std::string, std::string>;

Expanded socket_part(const Part& part, const Values& values) {
  std::vector<const SocketValue*> sockets;
  for (const auto& socket : values.sockets) {
    if (names_listener(part, socket.listener)) sockets.push_back(&socket);
  }
  if (sockets.empty()) return std::unexpected(fmt::format("{}: there is no such listener", text_of(part)));
  if (part.index >= sockets.size()) {
    return std::unexpected(fmt::format("{}: listener {} has {} {}, counted from 0", text_of(part),
                                       quoted(part.text), sockets.size(),
                                       sockets.size() == 1 ? "socket" : "sockets"));
  }
  const auto& socket = *sockets[part.index];
  if (part.variable == Variable::addr) return socket.address;
  if (part.variable == Variable::port) {
    if (socket.port) return fmt::format("{}", *socket.port);
    return std::unexpected(fmt::format("{}: a Unix socket has no port", text_of(part)));
  }
  if (socket.fd) return fmt::format("{}", *socket.fd);
  return std::unexpected(fmt::format("{}: only the app's own listeners have descriptors", text_of(part)));
}

template <class T>
Expanded known(const Part& part, const std::optional<T>& value) {
  if (value) return fmt::format("{}", *value);
  return std::unexpected(fmt::format("{} is not known here", text_of(part)));
}

std::expected<EnvValue, std::string> variable_part(const Part& part, const Values& values) {
  if (values.environment) {
    auto found = values.environment->find(part.text);
    if (found != values.environment->end()) return found->second;
  }
  return std::unexpected(fmt::format("{}: the variable is not set", text_of(part)));
}

Expanded expand_part(const Part& part, const Values& values) {
  if (!part.variable) return part.text;
  switch (*part.variable) {
    case Variable::fd:
    case Variable::addr:
    case Variable::port: return socket_part(part, values);
    case Variable::target: return known(part, values.target);
    case Variable::slot: {
      auto slot = values.slot;
      if (slot && part.is_circus) ++*slot;
      return known(part, slot);
    }
    case Variable::generation: return known(part, values.generation);
    case Variable::release: return known(part, values.release);
    case Variable::env: break;
  }
  auto value = variable_part(part, values);
  if (!value) return std::unexpected(value.error());
  return value->per_worker ? expand(value->text, values) : Expanded(value->text);
}

}  // namespace

SocketValue socket_value(std::string listener, const core::Address& address, std::uint16_t real_port,
                         std::optional<int> fd) {
  SocketValue value{.listener = std::move(listener), .address = address.host, .port = real_port, .fd = fd};
  if (is_unix(address.kind)) {
    value.address = (address.abstract ? "@" : "") + address.path;
    value.port.reset();
  } else if (address.host.empty()) {
    value.address = "::";
  }
  return value;
}

Expanded expand(std::string_view word, const Values& values) {
  auto parts = parse_template(word);
  if (!parts) return std::unexpected(parts.error().message);
  std::string out;
  for (const auto& part : *parts) {
    auto text = expand_part(part, values);
    if (!text) return text;
    out += *text;
  }
  return out;
}

std::expected<EnvValue, std::string> expand_for_release(std::string_view word, const Values& values) {
  auto parts = parse_template(word);
  if (!parts) return std::unexpected(parts.error().message);
  EnvValue out;
  std::string pattern;  // the same, for the case that a part must wait for its worker
  for (const auto& part : *parts) {
    if (part.variable && (is_per_worker(*part.variable) || part.variable == Variable::release)) {
      if (part.variable == Variable::fd) {
        if (auto number = socket_part(part, values); !number) return std::unexpected(number.error());
      }
      out.per_worker = true;
      pattern += text_of(part);
      continue;
    }
    if (part.variable == Variable::env) {
      auto value = variable_part(part, values);
      if (!value) return std::unexpected(value.error());
      out.per_worker |= value->per_worker;
      pattern += value->per_worker ? value->text : as_template(value->text);
      out.text += value->text;
      continue;
    }
    auto text = expand_part(part, values);
    if (!text) return std::unexpected(text.error());
    pattern += as_template(*text);
    out.text += *text;
  }
  if (out.per_worker) out.text = std::move(pattern);
  return out;
}

}  // namespace liveswap::config
