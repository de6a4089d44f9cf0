// multibinder's protocol: JSON-RPC 2.0 over a Unix stream, with the bound socket by SCM_RIGHTS on the reply. Read in
// bin/multibinder and lib/multibinder.rb of github/multibinder.
//
//   {"jsonrpc":"2.0","id":1,"method":"bind","params":[{"address":"127.0.0.1","port":8000,"backlog":1000}]}
//   {"jsonrpc":"2.0","id":1,"result":true}                                      with the descriptor
//   {"jsonrpc":"2.0","id":1,"error":{"code":10000,"message":"Could not bind: …"}}
//
// Neither side ends its messages by anything: an object ends with the brace that closes it. Pure: bytes in, values out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "wire/format_error.hpp"
#include "wire/json.hpp"

namespace liveswap::wire::multibinder {

inline constexpr std::size_t kRequestMax = std::size_t{16} << 10;  // bytes; a good one has 120

// Cuts a stream into objects by their braces.
class Splitter {
 public:
  // To be followed by next() until that has no more: nothing else bounds what is held.
  void feed(std::string_view bytes) { held_ += bytes; }
  // The next whole object. Refuses what begins with no brace or grows longer than a request may; then the splitter is
  // of no more use.
  [[nodiscard]] std::expected<std::optional<std::string>, FormatError> next();

 private:
  void find_end();

  std::string held_;
  std::size_t looked_at_ = 0;  // of held_
  std::size_t depth_ = 0;      // there; 0 behind the closing brace
  bool in_string_ = false;
  bool escaped_ = false;
};

struct Bind {
  Json id;
  std::string address;  // as it came
  std::uint16_t port = 0;
  std::optional<int> backlog;
};

struct Refusal {
  Json id;
  int code = 0;
  std::string message;
};

// JSON-RPC's codes, and multibinder's own.
inline constexpr int kNotJson = -32700;
inline constexpr int kNoRequest = -32600;
inline constexpr int kUnknownMethod = -32601;
inline constexpr int kBadParameters = -32602;
inline constexpr int kNotBound = 10000;

// Members that are not known are passed over.
[[nodiscard]] std::expected<Bind, Refusal> parse(std::string_view request);

[[nodiscard]] std::string bound(const Json& id);
[[nodiscard]] std::string refused(const Refusal& refusal);

}  // namespace liveswap::wire::multibinder
