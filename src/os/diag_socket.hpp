// Questions to the kernel about its sockets (sock_diag(7)) and their answers, a buffer at a time. What is asked stands
// in sock_diag.hpp and tcp_sockets.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <span>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

class DiagSocket {
 public:
  using Bytes = std::span<const std::byte>;
  using Receiver = std::function<void(Bytes)>;  // gets the payload of each message

  [[nodiscard]] static Result<DiagSocket> open();

  // `request`: an inet_diag_req_v2 or a unix_diag_req. The answer to the last one must have ended.
  template <class Request>
  [[nodiscard]] Result<void> ask(const Request& request, bool dump) {
    return send(std::as_bytes(std::span(&request, 1)), dump);
  }
  // Hands on the next part of the answer. True: that was all. Whoever asks for one socket gets its errno as the error.
  [[nodiscard]] Result<bool> receive(const Receiver& receiver);
  [[nodiscard]] Result<void> receive_all(const Receiver& receiver);

 private:
  explicit DiagSocket(OwnedFd socket);
  [[nodiscard]] Result<void> send(Bytes request, bool dump);

  OwnedFd socket_;
  std::unique_ptr<std::byte[]> buffer_;
  bool dump_ = false;
};

// Reads one of the kernel's structs from the beginning of a payload; what is missing is 0.
template <class T>
T read_struct(DiagSocket::Bytes bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

// Hands on each attribute that follows a payload's struct: its type and its value.
void for_each_attribute(DiagSocket::Bytes attributes, const std::function<void(unsigned, DiagSocket::Bytes)>& receiver);

// How far a struct of that size reaches in a payload: attributes begin at multiples of 4.
constexpr std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

}  // namespace liveswap::os
