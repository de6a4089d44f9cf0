// The namesake's control protocol, one request a line: {"cmd":"upgrade","value":"./b.js"}, answered by
// {"cmd":"upgrade","value":"OK"}. Pure: each request is a call of org.liveswap.Control, each reply a line.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "wire/varlink.hpp"

namespace liveswap::master {

struct TcpRequest {
  std::string cmd;
  wire::varlink::Call call;
};

// Why the line is no request; `cmd` is "" where not even that is known, and then nobody can be answered.
struct TcpRefusal {
  std::string cmd;
  std::string text;
};

// `folder`: what a relative path is relative to.
[[nodiscard]] std::expected<TcpRequest, TcpRefusal> read_tcp_request(std::string_view line, std::string_view folder);

// "OK", or what went wrong.
[[nodiscard]] std::string tcp_verdict(const wire::varlink::Reply& reply);

// With its line break.
[[nodiscard]] std::string tcp_reply_line(std::string_view cmd, std::string_view value);

}  // namespace liveswap::master
