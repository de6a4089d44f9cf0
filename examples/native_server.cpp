// The least that a good worker in C++ does: one client at a time gets the time of day. It accepts once it is ready,
// and leaves between two clients once it is asked to drain.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <exception>
#include <string>

#include <liveswap/worker.hpp>

namespace {

void tell_time(int listener) {
  const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client == -1) return;
  const std::string line = std::to_string(std::time(nullptr)) + "\n";
  send(client, line.data(), line.size(), MSG_NOSIGNAL);
  close(client);
}

int serve() {
  liveswap::Worker worker(LIVESWAP_UNSET_ENVIRONMENT | LIVESWAP_DRAIN_ON_SIGTERM);
  bool draining = false;
  worker.on_drain([&](liveswap::Worker::Deadline) { draining = true; });

  const auto listener = worker.find_listener("time");
  if (!listener) {
    std::fputs("native_server: no listener named \"time\"\n", stderr);
    return 1;
  }
  worker.ready();
  worker.status("serving");
  while (!draining) {
    pollfd fds[] = {{worker.fd(), POLLIN, 0}, {*listener, POLLIN, 0}};
    if (poll(fds, 2, -1) == -1) continue;
    worker.process();
    if (!draining && (fds[1].revents & POLLIN) != 0) tell_time(*listener);
  }
  worker.stopping();
  return 0;
}

}  // namespace

int main() {
  try {
    return serve();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "native_server: %s\n", error.what());
    return 1;
  }
}
