// sim: runs the core under simulated time, with faults drawn from seeds, and checks what liveswap promises
// after every step. Reports as TAP; a failure names its seed, what the seed was made of, and how to see it
// step by step.

#include <charconv>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulation.hpp"

namespace {

constexpr std::uint64_t kSeedsInAGroup = 100;  // one line of output for so many

struct Options {
  std::uint64_t first = 1, last = 100;
  bool trace = false;
  bool list_bugs = false;
  sim::Bug bug = sim::Bug::none;
};

constexpr std::string_view kUsage =
    "usage: sim [--seed N | --seeds A..B] [--trace] [--bug NAME] [--list-bugs]\n"
    "  --bug NAME   plant a bug; the run succeeds if one of the seeds catches it\n";

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool read_range(std::string_view text, Options& options) {
  const auto dots = text.find("..");
  const auto first = number(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : number(text.substr(dots + 2));
  if (!first || !last || *first > *last) return false;
  options.first = *first;
  options.last = *last;
  return true;
}

std::optional<Options> read(const std::vector<std::string_view>& arguments) {
  Options options;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const std::string_view value = i + 1 < arguments.size() ? arguments[i + 1] : "";
    if (argument == "--trace") {
      options.trace = true;
    } else if (argument == "--list-bugs") {
      options.list_bugs = true;
    } else if (argument == "--seed" || argument == "--seeds") {
      if (!read_range(value, options)) return std::nullopt;
      ++i;
    } else if (argument == "--bug") {
      const auto bug = sim::bug_named(value);
      if (!bug) return std::nullopt;
      options.bug = *bug;
      ++i;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

sim::Verdict run(std::uint64_t seed, const Options& options) {
  if (options.trace) std::cout << "# " << sim::draw_swarm(seed).text() << "\n";
  sim::Simulation simulation(seed, options.bug, options.trace ? &std::cout : nullptr);
  return simulation.run();
}

void explain(std::uint64_t seed, const sim::Verdict& verdict) {
  std::cout << "# seed " << seed << ", step " << verdict.steps << ": " << verdict.failure << "\n# "
            << sim::draw_swarm(seed).text() << "\n# to see it: sim --seed " << seed << " --trace\n";
}

// Every seed of the group must be without a failure.
bool run_group(std::uint64_t first, std::uint64_t last, std::uint64_t group, const Options& options) {
  sim::Verdict sum;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const sim::Verdict verdict = run(seed, options);
    sum.steps += verdict.steps;
    sum.rollouts += verdict.rollouts;
    sum.served += verdict.served;
    sum.stranded += verdict.stranded;
    if (verdict.failure.empty()) continue;
    failed += 1;
    explain(seed, verdict);
  }
  std::cout << (failed == 0 ? "ok " : "not ok ") << group << " - seeds " << first << " to " << last << "\n# "
            << sum.steps << " steps, " << sum.rollouts << " rollouts, " << sum.served
            << " connections served, " << sum.stranded << " left in the queues of workers that died\n";
  return failed == 0;
}

bool hunt(const Options& options) {
  for (std::uint64_t seed = options.first; seed <= options.last; ++seed) {
    const sim::Verdict verdict = run(seed, options);
    if (verdict.failure.empty()) continue;
    std::cout << "ok 1 - " << sim::name_of(options.bug) << " is caught\n# by seed " << seed << ", step "
              << verdict.steps << ": " << verdict.failure << "\n1..1\n";
    return true;
  }
  std::cout << "not ok 1 - " << sim::name_of(options.bug) << " is caught\n1..1\n";
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read({argv, argv + argc});
  if (!options) {
    std::cerr << kUsage;
    return 2;
  }
  if (options->list_bugs) {
    std::cout << sim::list_of_bugs();
    return 0;
  }
  if (options->bug != sim::Bug::none) return hunt(*options) ? 0 : 1;
  bool good = true;
  std::uint64_t group = 0;
  for (std::uint64_t first = options->first; first <= options->last; first += kSeedsInAGroup) {
    const std::uint64_t last = std::min(options->last, first + kSeedsInAGroup - 1);
    good = run_group(first, last, ++group, *options) && good;
  }
  std::cout << "1.." << group << "\n";
  return good ? 0 : 1;
}
