// One seed's run: chaos, then calm until everything is at rest, then a shutdown.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>

#include "agenda.hpp"
#include "commander.hpp"
#include "ledger.hpp"
#include "subject.hpp"
#include "swarm.hpp"
#include "world.hpp"

namespace sim {

struct Verdict {
  std::string failure;  // "" if nothing was wrong
  std::uint64_t steps = 0;
  std::uint64_t rollouts = 0;
  std::uint64_t served = 0;    // clients' connections
  std::uint64_t stranded = 0;  // clients that waited in the end where no worker was left to come
};

class Simulation {
 public:
  // `trace`: null, or where every step is told.
  Simulation(std::uint64_t seed, Bug bug, std::ostream* trace);

  Verdict run();

 private:
  void run_until(Time end);
  void run_to_rest(Duration most, const char* phase);
  bool at_rest() const;
  bool goes_on() const { return ledger_.failure().empty() && !ledger_.exited(); }
  void advance();
  void die();
  void step(const Event& event);
  void post_stale();
  void tell(const Event& event, const ActionList& actions);

  Swarm swarm_;
  Random random_;
  std::ostream* trace_;
  Agenda agenda_;
  Subject subject_;
  World world_;
  Commander commander_;
  Ledger ledger_;
  Snapshot snapshot_;
  Time now_{};
  std::uint64_t steps_ = 0;
};

}  // namespace sim
