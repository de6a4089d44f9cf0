#include "wire/multibinder.hpp"

#include <algorithm>
#include <climits>
#include <utility>

namespace liveswap::wire::multibinder {
namespace {

std::optional<std::int64_t> integer_of(const Json& object, const char* name, std::int64_t least, std::int64_t most) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number_integer()) return std::nullopt;
  if (member->is_number_unsigned() && member->get<std::uint64_t>() > static_cast<std::uint64_t>(most)) {
    return std::nullopt;
  }
  const auto value = member->get<std::int64_t>();
  return value < least || value > most ? std::nullopt : std::optional(value);
}

// multibinder's clients send a list with one object; JSON-RPC knows the object alone as well.
const Json* parameters_of(const Json& request) {
  const auto params = request.find("params");
  if (params == request.end()) return nullptr;
  if (params->is_array() && params->size() == 1 && params->front().is_object()) return &params->front();
  return params->is_object() ? &*params : nullptr;
}

std::expected<Bind, Refusal> parse_parameters(Json id, const Json& params) {
  const auto bad = [&id](const char* why) { return std::unexpected(Refusal{id, kBadParameters, why}); };
  Bind bind{.id = id};
  const auto address = params.find("address");
  if (address == params.end() || !address->is_string()) return bad("Invalid params: address is needed, as a string");
  bind.address = address->get<std::string>();
  const auto port = integer_of(params, "port", 0, UINT16_MAX);
  if (!port) return bad("Invalid params: port is needed, from 0 to 65535");
  bind.port = static_cast<std::uint16_t>(*port);
  const auto backlog = params.find("backlog");
  if (backlog == params.end() || backlog->is_null()) return bind;
  const auto length = integer_of(params, "backlog", 1, INT_MAX);
  if (!length) return bad("Invalid params: backlog is a number above 0");
  bind.backlog = static_cast<int>(*length);
  return bind;
}

}  // namespace

// Goes on to the brace that closes the object at the beginning, or to the end of what is held.
void Splitter::find_end() {
  if (looked_at_ == 0) depth_ = looked_at_ = 1;
  for (; depth_ > 0 && looked_at_ < held_.size(); ++looked_at_) {
    const char c = held_[looked_at_];
    if (in_string_) {
      in_string_ = c != '"' || escaped_;
      escaped_ = c == '\\' && !escaped_;
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{') {
      ++depth_;
    } else if (c == '}') {
      --depth_;
    }
  }
}

std::expected<std::optional<std::string>, FormatError> Splitter::next() {
  if (looked_at_ == 0) {
    held_.erase(0, std::min(held_.find_first_not_of(" \t\r\n"), held_.size()));
    if (held_.empty()) return std::nullopt;
    if (held_.front() != '{') return std::unexpected(FormatError{"a request begins with a brace"});
  }
  find_end();
  if (looked_at_ > kRequestMax) return std::unexpected(FormatError{"the request is too long"});
  if (depth_ > 0) return std::nullopt;
  std::string object = held_.substr(0, looked_at_);
  held_.erase(0, std::exchange(looked_at_, 0));
  return object;
}

std::expected<Bind, Refusal> parse(std::string_view request) {
  const auto parsed = parse_json(request);
  if (!parsed) return std::unexpected(Refusal{nullptr, kNotJson, "Parse error: " + std::string(parsed.error().reason)});
  const auto no_request = [](const char* why) {
    return std::unexpected(Refusal{nullptr, kNoRequest, std::string("Invalid request: ") + why});
  };
  if (!parsed->is_object()) return no_request("not an object");
  const auto id = parsed->find("id");
  if (id == parsed->end() || !(id->is_string() || id->is_number())) return no_request("an id is needed, for the reply");
  const auto method = parsed->find("method");
  if (method == parsed->end() || !method->is_string()) return no_request("it names no method");
  if (*method != "bind") return std::unexpected(Refusal{*id, kUnknownMethod, "Method not found"});
  const Json* params = parameters_of(*parsed);
  if (params == nullptr) {
    return std::unexpected(Refusal{*id, kBadParameters, "Invalid params: one object is needed"});
  }
  return parse_parameters(*id, *params);
}

std::string bound(const Json& id) { return dump_json({{"jsonrpc", "2.0"}, {"id", id}, {"result", true}}); }

std::string refused(const Refusal& refusal) {
  return dump_json({{"jsonrpc", "2.0"},
                    {"id", refusal.id},
                    {"error", {{"code", refusal.code}, {"message", refusal.message}}}});
}

}  // namespace liveswap::wire::multibinder
