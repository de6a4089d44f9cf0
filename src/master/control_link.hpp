// Where `control.socket` puts the control socket elsewhere: a symbolic link to it at its default place in the runtime
// directory, by which `liveswapctl -n NAME` and `ls` find it.
//
// Owned by Instance, whose lock makes this master the only one that may change what lies there.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "os/error.hpp"

namespace liveswap::master {

class ControlLink {
 public:
  ControlLink() = default;
  ControlLink(ControlLink&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ControlLink& operator=(ControlLink&&) = delete;
  ~ControlLink();

  // Removes what an earlier master left at RUNTIME_DIR/control.sock, and links from there where that is not the socket
  // itself. A socket there that somebody has is left alone: then there is no link.
  [[nodiscard]] static os::Result<ControlLink> make(const std::string& runtime_dir, const std::string& control_socket);

 private:
  explicit ControlLink(std::string path) : path_(std::move(path)) {}

  std::string path_;  // "": there is none
};

}  // namespace liveswap::master
