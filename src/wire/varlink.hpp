// Varlink: calls and replies as JSON objects, each ended by a NUL byte. Pure: bytes in, values out, and back.
//
//   {"method": "org.liveswap.Control.Status", "parameters": {"app": "web"}, "more": false}
//   {"parameters": {…}, "continues": true}
//   {"error": "org.liveswap.Control.Failed", "parameters": {…}}
#pragma once

#include <cstddef>
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "wire/format_error.hpp"
#include "wire/json.hpp"

namespace liveswap::wire::varlink {

// Cuts a stream of bytes into messages. At most one message of `max` bytes and one read's worth of further
// ones is ever held, because feed() refuses a message that grows longer; after that the splitter is of no
// more use.
class Splitter {
 public:
  explicit Splitter(std::size_t max) : max_(max) {}

  [[nodiscard]] std::expected<void, FormatError> feed(std::string_view bytes);
  // The next whole message, without its NUL.
  [[nodiscard]] std::optional<std::string> next();
  // A whole message is held.
  [[nodiscard]] bool has_message() const { return given_ != begun_; }
  // The beginning of a message is held, and not its end.
  [[nodiscard]] bool has_part() const { return begun_ != held_.size(); }
  // Bytes that are held and not given yet, whole messages or not.
  [[nodiscard]] std::size_t held() const { return held_.size() - given_; }

 private:
  std::size_t max_;
  std::string held_;
  std::size_t given_ = 0;  // next() has given everything before
  std::size_t begun_ = 0;  // the message that is not whole yet begins here
};

struct Call {
  std::string method;
  Json parameters = Json::object();
  bool more = false;
  bool oneway = false;
  bool upgrade = false;
};

struct Reply {
  Json parameters = Json::object();
  bool continues = false;
  std::string error;  // "" for none
};

// Members that we do not know are passed over: Varlink may grow.
[[nodiscard]] std::expected<Call, FormatError> parse_call(std::string_view message);
[[nodiscard]] std::expected<Reply, FormatError> parse_reply(std::string_view message);

// With the NUL that ends them.
[[nodiscard]] std::string write_call(const Call& call);
[[nodiscard]] std::string write_reply(const Reply& reply);

}  // namespace liveswap::wire::varlink
