#include "tally.hpp"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

namespace hammer {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kSteps = 16;  // buckets a power of two

std::size_t bucket_of(std::uint64_t us) {
  if (us < kSteps) {
    return us;
  }
  const auto power = static_cast<std::uint64_t>(std::bit_width(us)) - 5;  // us >> power is 16 … 31
  return power * kSteps + (us >> power);
}

std::uint64_t middle_of(std::size_t bucket) {
  if (bucket < kSteps) {
    return bucket;
  }
  const std::uint64_t power = bucket / kSteps - 1;
  const std::uint64_t low = (bucket % kSteps + kSteps) << power;
  return low + ((std::uint64_t{1} << power) >> 1);
}

std::int64_t ms(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string text(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void Histogram::add(std::uint64_t us) {
  ++counts_[std::min(bucket_of(us), counts_.size() - 1)];
  ++total_;
  max_ = std::max(max_, us);
}

std::uint64_t Histogram::percentile(double share) const {
  auto left = static_cast<std::uint64_t>(share * static_cast<double>(total_));
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > left) {
      return middle_of(i);
    }
    left -= counts_[i];
  }
  return max_;
}

std::string word_after(std::string_view name, std::string_view text) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) {
    return "";
  }
  const std::string_view rest = text.substr(at + name.size());
  return std::string(rest.substr(0, rest.find_first_of(" \r\n")));
}

void Tally::success(Time now, std::chrono::microseconds took, const std::string& body) {
  std::string version = word_after("version=", body);
  if (version.empty()) version = body.substr(0, body.find_first_of(" \r\n"));  // of a program that knows nothing of us
  ++successes_;
  ++live_versions_[version];
  ++by_worker_[{std::move(version), word_after("pid=", body)}];
  latencies_.add(static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0)));
  longest_gap_ = std::max(longest_gap_, now - last_success_);
  last_success_ = now;
}

void Tally::failure(Time, Failure kind, const std::string& pid) {
  ++failures_[static_cast<std::size_t>(kind)];
  ++failures_by_worker_[{kind, pid}];
}

std::string Tally::live_line(Time now) {
  Json versions = Json::object();
  for (const auto& [version, count] : live_versions_) {
    versions[version] = count;
  }
  Json failures = Json::object();
  for (std::size_t i = 0; i < failures_.size(); ++i) {
    if (failures_[i] != live_failures_[i]) {
      failures[std::string(kFailureNames[i])] = failures_[i] - live_failures_[i];
    }
  }
  const Json line = {{"type", "live"},
                     {"at_ms", ms(now - start_)},
                     {"successes", successes_ - live_successes_},
                     {"versions", std::move(versions)},
                     {"failures", std::move(failures)}};
  live_versions_.clear();
  live_successes_ = successes_;
  live_failures_ = failures_;
  return text(line);
}

std::string Tally::result_line(Time now, std::string_view mode, std::size_t connections) const {
  Json failures = Json::object();
  std::uint64_t failed = 0;
  for (std::size_t i = 0; i < failures_.size(); ++i) {
    failures[std::string(kFailureNames[i])] = failures_[i];
    failed += failures_[i];
  }
  Json workers = Json::array();
  for (const auto& [who, count] : by_worker_) {
    workers.push_back({{"version", who.first}, {"pid", who.second}, {"successes", count}});
  }
  Json lost = Json::array();
  for (const auto& [what, count] : failures_by_worker_) {
    const auto kind = static_cast<std::size_t>(what.first);
    lost.push_back({{"class", std::string(kFailureNames[kind])}, {"last_pid", what.second}, {"count", count}});
  }
  return text({{"type", "result"},
               {"mode", std::string(mode)},
               {"connections", connections},
               {"ms", ms(now - start_)},
               {"successes", successes_},
               {"failed", failed},
               {"repeated", repeated_},
               {"failures", std::move(failures)},
               {"workers", std::move(workers)},
               {"failures_by_worker", std::move(lost)},
               {"longest_gap_ms", ms(std::max(longest_gap_, now - last_success_))},
               {"p50_us", latencies_.percentile(0.5)},
               {"p99_us", latencies_.percentile(0.99)},
               {"max_us", latencies_.max()}});
}

}  // namespace hammer
