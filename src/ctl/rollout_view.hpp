// A rollout as it is seen on a terminal while it runs: a headline, and a line for each worker. Pure: events
// in, lines out; who draws them is screen.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ctl/style.hpp"
#include "ctl/times.hpp"
#include "wire/json.hpp"

namespace liveswap::ctl {

class RolloutView {
 public:
  // An Event of org.liveswap.Control.
  void add_event(const wire::Json& event);
  // A reply to Status: how many connections draining workers have open, and how old the oldest is.
  void add_status(const wire::Json& status, WallTime now);

  // A line below the others; "" for none.
  [[nodiscard]] bool has_notice() const { return !notice_.empty(); }
  void set_notice(std::string text) { notice_ = std::move(text); }

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
    std::string oldest{};           // ">41m"
    std::string cut{};              // "cut with 3 connections open"
  };
  using Key =
      std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t>;  // app, generation, slot, worker

  void forget_ended(const std::string& app, std::int64_t generation, std::int64_t slot);
  [[nodiscard]] std::string line_of(const Key& key, const Worker& worker, const Style& style) const;
  [[nodiscard]] std::vector<Key> in_order() const;

  std::map<std::string, std::string> headlines_;  // by app
  std::map<Key, Worker> workers_;
  std::string notice_;
};

}  // namespace liveswap::ctl
