// A rollout as it is seen on a terminal while it runs: a headline, and a line for each worker. Pure: events
// in, lines out; who draws them is screen.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "ctl/style.hpp"
#include "wire/json.hpp"

namespace liveswap::ctl {

class RolloutView {
 public:
  // An Event of org.liveswap.Control.
  void add_event(const wire::Json& event);
  // A reply to Status: how many connections draining workers have open.
  void add_status(const wire::Json& status);

  // Some worker is draining, so add_status() has something to add.
  [[nodiscard]] bool is_draining() const;

  // At most `rows` lines; where there are more workers, those that wait for something come first, and the
  // last line says how many are left out.
  [[nodiscard]] std::vector<std::string> lines(std::size_t columns, std::size_t rows,
                                               const Style& style) const;

 private:
  enum class State { starting, waiting, draining, stopping, ready, dead, gone };
  struct Worker {
    State state = State::starting;
    std::string detail;             // "exit status 1", "again in 2s"
    std::int64_t connections = -1;  // unknown
  };
  using Key =
      std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t>;  // app, generation, slot, worker

  void forget_ended(const std::string& app, std::int64_t generation, std::int64_t slot);
  [[nodiscard]] std::string line_of(const Key& key, const Worker& worker, const Style& style) const;
  [[nodiscard]] std::vector<Key> in_order() const;

  std::map<std::string, std::string> headlines_;  // by app
  std::map<Key, Worker> workers_;
};

}  // namespace liveswap::ctl
