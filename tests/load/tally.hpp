// What the load generator counts: answers by who gave them, failures by class, how long things took.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace hammer {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

// Every way in which a request can fail. `client` is our own want (no free port, no descriptor), not the service's.
enum class Failure : std::size_t {
  refused,        // nobody listened
  reset_before,   // a fresh connection was reset before a byte of the answer
  eof_before,     // a fresh connection was closed before a byte of the answer
  reused_reset,   // the same for a connection that had answered before
  reused_eof,
  truncated,      // it broke off within the answer
  timeout,        // no whole answer within the time limit
  bad_status,     // an answer, but not 200
  client,
};
inline constexpr std::array<std::string_view, 9> kFailureNames = {
    "refused",   "reset_before", "eof_before", "reused_reset", "reused_eof",
    "truncated", "timeout",      "bad_status", "client"};

// Latencies in buckets that are 1/16 of their size wide: 6 % exact from 1 us to hours, in 1 kB.
class Histogram {
 public:
  void add(std::uint64_t us);
  std::uint64_t percentile(double share) const;
  std::uint64_t max() const { return max_; }

 private:
  std::array<std::uint64_t, 640> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

// Owned by the load loop; a copy of the counts is kept at each live line, so that the next one tells the difference.
class Tally {
 public:
  explicit Tally(Time start) : start_(start), last_success_(start) {}

  void success(Time now, std::chrono::microseconds took, const std::string& body);
  // `pid`: who had answered on this connection before, if anyone.
  void failure(Time now, Failure kind, const std::string& pid);

  // A request that is made again, since the end of its connection crossed it: no failure.
  void repeated() { ++repeated_; }

  std::uint64_t successes() const { return successes_; }
  std::string live_line(Time now);
  std::string result_line(Time now, std::string_view mode, std::size_t connections) const;

 private:
  Time start_;
  Time last_success_;
  Clock::duration longest_gap_{};
  std::uint64_t successes_ = 0;
  std::uint64_t repeated_ = 0;
  std::array<std::uint64_t, kFailureNames.size()> failures_{};
  std::map<std::pair<std::string, std::string>, std::uint64_t> by_worker_;      // (version, pid)
  std::map<std::pair<Failure, std::string>, std::uint64_t> failures_by_worker_;  // (class, pid)
  std::map<std::string, std::uint64_t> live_versions_;
  std::uint64_t live_successes_ = 0;
  std::array<std::uint64_t, kFailureNames.size()> live_failures_{};
  Histogram latencies_;
};

// The word after `name=` in an answer, or "".
std::string word_after(std::string_view name, std::string_view text);

}  // namespace hammer
