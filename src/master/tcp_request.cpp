#include "master/tcp_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "config/paths.hpp"
#include "wire/control.hpp"
#include "wire/json_fields.hpp"
#include "wire/printable.hpp"

namespace liveswap::master {

namespace {

using wire::Json;

constexpr std::size_t kCommandShownMax = 64;

// kill replaces the workers by killing them; die ends everything at once.
enum class Value { none, may_be, needed };
struct Row {
  std::string_view cmd;
  std::string_view method;
  Value value;
};
constexpr auto kRows = std::to_array<Row>({
    {"upgrade", "Upgrade", Value::may_be},
    {"kill", "Restart", Value::none},
    {"die", "Shutdown", Value::none},
    {"message", "Message", Value::needed},
});

Json parameters_of(const Row& row, const std::optional<std::string>& value, std::string_view folder) {
  Json parameters = Json::object();
  if (row.value == Value::none) parameters["now"] = true;
  if (row.cmd == "upgrade" && value) parameters["target"] = config::absolute_path(*value, folder);
  if (row.cmd == "message") parameters["text"] = value.value_or("");
  return parameters;
}

std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::expected<TcpRequest, TcpRefusal> read_tcp_request(std::string_view line, std::string_view folder) {
  const auto json = wire::parse_json(line);
  if (!json || !json->is_object()) return std::unexpected(TcpRefusal{"", "is no JSON object"});
  wire::JsonFields fields(*json);
  const std::string cmd = fields.text("cmd").value_or("");
  auto value = fields.text("value");
  if (value && value->empty()) value.reset();
  const std::string shown = wire::printable_text(cmd, kCommandShownMax);
  if (const auto bad = fields.bad()) return std::unexpected(TcpRefusal{shown, fmt::format("has a bad \"{}\"", *bad)});
  const auto row = std::ranges::find(kRows, cmd, &Row::cmd);
  if (row == kRows.end()) {
    return std::unexpected(TcpRefusal{shown, "is none of the commands upgrade, kill, die, message"});
  }
  if (value ? row->value == Value::none : row->value == Value::needed) {
    return std::unexpected(TcpRefusal{cmd, fmt::format("has {} value", value ? "a" : "no")});
  }
  TcpRequest request{.cmd = cmd, .call = {}};
  request.call.method = fmt::format("{}.{}", wire::control::kInterface, row->method);
  request.call.parameters = parameters_of(*row, value, folder);
  return request;
}

std::string tcp_verdict(const wire::varlink::Reply& reply) {
  if (reply.error.empty()) return "OK";
  const auto outcome = reply.parameters.find("outcome");
  if (outcome == reply.parameters.end() || !outcome->is_object()) return reply.error;
  const std::string reason = text_in(*outcome, "reason");
  std::string text = text_in(*outcome, "text");
  if (text.empty()) text = text_in(*outcome, "result");
  const auto lines = outcome->find("last_lines");
  if (lines != outcome->end() && lines->is_array() && !lines->empty() && lines->back().is_string()) {
    text += ": " + lines->back().get<std::string>();
  }
  return reason.empty() ? text : fmt::format("{}: {}", reason, text);
}

std::string tcp_reply_line(std::string_view cmd, std::string_view value) {
  return wire::dump_json({{"cmd", cmd}, {"value", value}}) + "\n";
}

}  // namespace liveswap::master
