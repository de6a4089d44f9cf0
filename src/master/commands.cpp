#include "master/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "master/outcome_json.hpp"
#include "wire/json_fields.hpp"

namespace liveswap::master {

namespace {

using wire::Json;
namespace control = wire::control;

struct Method {
  std::string_view name;
  std::unique_ptr<Pending> (*answer)(const Exchange&);
};

constexpr auto kMethods = std::to_array<Method>({
#define COMMAND(name, Method, ...) {#Method, call_##Method},
#define LOCAL_COMMAND(...)
#define METHOD(Method, ...) COMMAND("", Method)
#include "wire/commands.def"
#undef COMMAND
#undef LOCAL_COMMAND
#undef METHOD
});

void get_info(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  if (const auto bad = fields.bad()) return exchange.invalid_parameter(*bad);
  exchange.reply({{"vendor", "liveswap"},
                  {"product", "liveswap"},
                  {"version", exchange.master.master().version},
                  {"url", ""},
                  {"interfaces", {control::kServiceInterface, control::kInterface}}});
}

void get_interface_description(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("interface");
  if (const auto bad = fields.bad()) return exchange.invalid_parameter(*bad);
  if (!name) return exchange.invalid_parameter("interface");
  if (*name == control::kInterface)
    return exchange.reply({{"description", control::interface_description()}});
  if (*name == control::kServiceInterface) {
    return exchange.reply({{"description", control::service_interface_description()}});
  }
  exchange.fail("org.varlink.service.InterfaceNotFound", {{"interface", *name}});
}

void answer_service_call(const Exchange& exchange, std::string_view method) {
  if (method == "GetInfo") return get_info(exchange);
  if (method == "GetInterfaceDescription") return get_interface_description(exchange);
  exchange.fail("org.varlink.service.MethodNotFound", {{"method", exchange.call.method}});
}

}  // namespace

wire::varlink::Reply denial(const Operations& master, uid_t uid, control::Level has, control::Level needed,
                            std::string_view what) {
  std::string text = fmt::format("{} needs the level {}, ", what, name_of(needed));
  text += has == control::Level::none
              ? fmt::format("and neither uid {} nor its groups are listed at any level", uid)
              : fmt::format("and uid {} has {}", uid, name_of(has));
  text += " (control: in the configuration)";
  auto reply =
      reply_of(refused(core::Result::denied, core::Reason::denied, std::move(text)), master.snapshot());
  reply.parameters["level"] = name_of(needed);
  return reply;
}

std::unique_ptr<Pending> answer_call(const Exchange& exchange) {
  const std::string_view whole = exchange.call.method;
  const std::size_t dot = whole.rfind('.');
  if (dot == std::string_view::npos) {
    exchange.invalid_parameter("method");
    return nullptr;
  }
  const std::string_view interface = whole.substr(0, dot);
  const std::string_view name = whole.substr(dot + 1);
  if (interface == control::kServiceInterface) {
    answer_service_call(exchange, name);
    return nullptr;
  }
  if (interface != control::kInterface) {
    exchange.fail("org.varlink.service.InterfaceNotFound", {{"interface", interface}});
    return nullptr;
  }
  const control::Command* command = control::find_method(name);
  if (command == nullptr) {
    exchange.fail("org.varlink.service.MethodNotFound", {{"method", whole}});
    return nullptr;
  }
  if (exchange.level < command->level) {
    exchange.replies.send(
        denial(exchange.master, exchange.uid, exchange.level, command->level, command->name));
    return nullptr;
  }
  const Method& found = *std::ranges::find(kMethods, name, &Method::name);
  const bool asks_the_core = command->replies == control::Replies::progress && !command->name.empty();
  return asks_the_core ? answer_with_ticket(exchange, found.answer) : found.answer(exchange);
}

}  // namespace liveswap::master
