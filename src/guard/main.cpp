// liveswap-guardian: what liveswap becomes before it runs itself again as the master (guardian.hpp). Started by
// liveswap only, which says by variables what its descriptors are (wire/guard_messages.hpp).
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "guard/guardian.hpp"

namespace {

using namespace liveswap;

constexpr int kFailed = 1;

// A descriptor that liveswap has passed, close-on-exec from now on; -1: none. The variable is taken away.
int take_descriptor(std::string_view variable) {
  const std::string name(variable);
  const char* text = ::getenv(name.c_str());
  if (text == nullptr) return -1;
  char* end = nullptr;
  const long number = std::strtol(text, &end, 10);
  const bool good = *text != '\0' && *end == '\0' && number > STDERR_FILENO && number <= 1 << 20;
  ::unsetenv(name.c_str());
  if (!good || ::fcntl(static_cast<int>(number), F_SETFD, FD_CLOEXEC) != 0) return -1;
  return static_cast<int>(number);
}

int open_signals(sigset_t& before) {
  sigset_t signals{};
  (void)::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) {
    (void)::sigaddset(&signals, signal);
  }
  (void)::sigprocmask(SIG_BLOCK, &signals, &before);
  (void)::signal(SIGPIPE, SIG_IGN);
  return ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

// It keeps a copy of everything that each of its master's workers is known by.
rlimit raise_descriptor_limit() {
  rlimit before{};
  (void)::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit most{before.rlim_max, before.rlim_max};
  (void)::setrlimit(RLIMIT_NOFILE, &most);
  return before;
}

}  // namespace

int main(int, char** argv) {
  guard::Guardian::Parts parts;
  const int image = take_descriptor(wire::guard::kImageVariable);
  parts.program = take_descriptor(wire::guard::kBinaryVariable);
  parts.channel = take_descriptor(wire::guard::kChannelVariable);
  parts.parent = take_descriptor(wire::guard::kParentVariable);
  if (parts.program == -1 && image == -1) {
    (void)::fprintf(stderr, "liveswap-guardian: is started by liveswap only\n");
    return kFailed;
  }
  (void)::prctl(PR_SET_NAME, "liveswap-guard");
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);
  parts.signals = open_signals(parts.inheritance.signals);
  if (parts.signals == -1) {
    (void)::fprintf(stderr, "liveswap: the guardian cannot read signals: errno %d\n", errno);
    return kFailed;
  }
  parts.inheritance.descriptors = raise_descriptor_limit();
  parts.inheritance.arguments = argv;
  parts.inheritance.environment = environ;
  parts.inheritance.oom_score = guard::lower_oom_score();
  const char* address = ::getenv("NOTIFY_SOCKET");
  parts.notify_address = address != nullptr && *address != '\0' ? address : nullptr;
  parts.inheritance.notifies = parts.notify_address != nullptr;
  guard::Guardian guardian(parts);
  if (image != -1 && !guardian.succeed(image)) {
    (void)::fprintf(stderr, "liveswap: what the guardian before has left cannot be read\n");
    return kFailed;
  }
  return guardian.run();
}
