// Which descriptors a worker has, by number: what the numbers in commands mean, and which are free.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/plan.hpp"

namespace liveswap::config {

// A socket of a listener.
struct Descriptor {
  int number = 0;
  std::string listener;
  std::size_t index = 0;  // within the listener
  core::Address address;
};

// The one on standard input first, then those that the app lists. Where the machine lacks an address that is bound only
// where it is there, the ones after it move up.
std::vector<Descriptor> descriptors_of(const std::vector<core::ListenerPlan>& listeners, const core::AppPlan& app);

// What a worker has besides: ways to speak with the master.
struct ExtraDescriptor {
  int number = 0;
  std::string meaning;  // "notifications (NOTIFY_FD)"
};

// In the order of make_links() in master/worker_links.cpp, which hands them out.
std::vector<ExtraDescriptor> extra_descriptors_of(const std::vector<core::ListenerPlan>& listeners,
                                                  const core::AppPlan& app);

}  // namespace liveswap::config
