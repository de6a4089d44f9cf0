// What the master knows of one worker's connections, from one count to the next: above all how old each is, which no
// single look tells. Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "master/connection_count.hpp"

namespace liveswap::master {

struct KnownConnection {
  os::ConnectionFacts facts;  // as they were when it was counted last
  pid_t pid = 0;
  core::Time born{};        // it was there then …
  bool born_exact = false;  // … and not before, give or take a tick of the kernel's
};

class KnownConnections {
 public:
  // The connections of a count that has just ended. Those that were known keep their age.
  void learn(Counted counted, core::Time now);
  // They could not be counted: unknown, whatever was known before.
  void lose(std::string why);

  // Open ones, and those that wait in a queue of the worker's own; nullopt: never counted, or not countable.
  [[nodiscard]] std::optional<std::uint32_t> count() const;
  [[nodiscard]] const std::string& why_unknown() const { return why_unknown_; }  // "" where it is known, or not tried
  [[nodiscard]] const std::vector<KnownConnection>& connections() const { return connections_; }  // by their cookies
  [[nodiscard]] const KnownConnection* oldest() const;
  [[nodiscard]] core::Time counted_at() const { return counted_at_; }

 private:
  std::vector<KnownConnection> connections_;
  std::uint32_t queued_ = 0;
  bool counted_ = false;
  core::Time counted_at_{};
  std::string why_unknown_;
};

}  // namespace liveswap::master
