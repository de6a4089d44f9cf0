// Complaints about strangers, in the log: one a second at most, whatever the strangers do.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "loop/loop.hpp"
#include "master/log.hpp"

namespace liveswap::master {

class Complaints {
 public:
  Complaints(loop::Loop& loop, const Log& log, std::string subject)
      : loop_(loop), log_(log), subject_(std::move(subject)) {}

  void tell(const std::string& text);

 private:
  loop::Loop& loop_;
  const Log& log_;
  std::string subject_;
  std::chrono::microseconds told_at_{};
  std::size_t kept_back_ = 0;
};

}  // namespace liveswap::master
