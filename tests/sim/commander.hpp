// Operators: random commands at random times, and clients that go away without their answer.
#pragma once

#include <cstdint>
#include <functional>
#include <set>

#include "agenda.hpp"
#include "core/core.hpp"
#include "random.hpp"
#include "swarm.hpp"

namespace sim {

class Commander {
 public:
  using Post = std::function<void(const Event&)>;

  Commander(const Swarm& swarm, Agenda& agenda, Random random, Post post);

  // Commands from now until they are stopped.
  void begin(Time now);
  void stop() { stopped_ = true; }
  void set_time(Time now) { now_ = now; }
  void answered(RequestId request) { outstanding_.erase(request); }

  void shut_down(bool now);

 private:
  void next_command();
  void command();
  RequestId request();
  Event upgrade();
  Event restart();
  Event scale();
  Event stop_or_start();
  Event drain();
  WaitLevel level();
  Duration timeout();

  Swarm swarm_;
  Agenda& agenda_;
  Random random_;
  Post post_;
  Time now_{};
  bool stopped_ = false;
  std::uint64_t last_request_ = 0;
  std::set<RequestId> outstanding_;
};

}  // namespace sim
