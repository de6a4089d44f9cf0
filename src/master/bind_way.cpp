#include "master/bind_way.hpp"

#include "os/seccomp_probe.hpp"

namespace liveswap::master {

BindWay bind_way(core::BindBy wanted) {
  if (wanted != core::BindBy::automatic) return {wanted, ""};
  const std::string& problem = seccomp_problem();
  return {problem.empty() ? core::BindBy::seccomp : core::BindBy::preload, problem};
}

const std::string& seccomp_problem() {
  static const std::string problem = [] {
    const auto probe = os::probe_seccomp_notifier();
    return probe ? std::string() : probe.error().message();
  }();
  return problem;
}

}  // namespace liveswap::master
