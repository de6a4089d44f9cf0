#include "master/exchange.hpp"

#include <string>
#include <utility>

namespace liveswap::master {

void Exchange::reply(wire::Json parameters) const { replies.send({.parameters = std::move(parameters)}); }

void Exchange::fail(std::string_view error, wire::Json parameters) const {
  replies.send({.parameters = std::move(parameters), .error = std::string(error)});
}

void Exchange::invalid_parameter(std::string_view name) const {
  fail("org.varlink.service.InvalidParameter", {{"parameter", name}});
}

}  // namespace liveswap::master
