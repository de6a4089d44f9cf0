// A launched program whose calls wait: trapped.c, its notifier, and a test that answers in the master's place.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "launching.hpp"
#include "os/seccomp_notify.hpp"
#include "wire/launch_plan.hpp"

namespace liveswap::launch::test {

// Runs the calls that trapped.c has by these names.
[[nodiscard]] wire::LaunchPlan trapped_plan(std::initializer_list<std::string> calls, wire::Filter filter = {});

// FILTER and EXECUTING come, and then the notifier is there.
[[nodiscard]] os::SeccompNotifier notifier_of(Launching& launching);

// Waits for a call; fails the test where none comes.
[[nodiscard]] os::TrappedCall next_call(os::SeccompNotifier& notifier);

// "bind 3 127.0.0.1:0", "listen 3 backlog 5", "rename -100 old -100 new flags 0", …
[[nodiscard]] std::string text_of(const os::TrappedCall& call);

// Answers each call that comes until the last process with the filter has ended; the texts of all.
using Answer = std::function<void(os::SeccompNotifier&, const os::TrappedCall&)>;
[[nodiscard]] std::vector<std::string> answer_all(os::SeccompNotifier& notifier, const Answer& answer);

// The call returns 0 and nothing is done; the kernel does it.
void pretend(os::SeccompNotifier& notifier, const os::TrappedCall& call);
void go_on(os::SeccompNotifier& notifier, const os::TrappedCall& call);

// POLLIN, POLLHUP, as they are now; `wait`: as soon as there are any.
[[nodiscard]] short readiness(const os::SeccompNotifier& notifier, bool wait = false);

}  // namespace liveswap::launch::test
