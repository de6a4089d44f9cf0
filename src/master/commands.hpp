// The methods of the control interface: one function each, found by the call's name and guarded by its level.
#pragma once

#include <memory>

#include "master/exchange.hpp"

namespace liveswap::master {

// Answers the call, or returns what will.
[[nodiscard]] std::unique_ptr<Pending> answer_call(const Exchange& exchange);

// The same for a call that may have a ticket: what was said with it before is answered, and not done again.
[[nodiscard]] std::unique_ptr<Pending> answer_with_ticket(const Exchange& exchange,
                                                          std::unique_ptr<Pending> (*answer)(const Exchange&));

// The reply to a peer that lacks `needed` for `what`.
wire::varlink::Reply denial(const Operations& master, uid_t uid, wire::control::Level has,
                            wire::control::Level needed, std::string_view what);

// The functions; the level has been checked, and nothing else.
#define COMMAND(name, Method, ...) std::unique_ptr<Pending> call_##Method(const Exchange& exchange);
#define LOCAL_COMMAND(...)
#define METHOD(Method, ...) COMMAND("", Method)
#include "wire/commands.def"
#undef COMMAND
#undef LOCAL_COMMAND
#undef METHOD

}  // namespace liveswap::master
