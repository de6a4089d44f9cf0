// A program that runs its own workers: a master of liveswap on the program's own libuv loop, beside whatever else
// happens there. The signals are the program's: TERM drains everything and ends, HUP upgrades.
//
//   embedded_master LAUNCHER TARGET [NAME=]ADDRESS
//   kill -HUP PID        the same program again, or what now lies at TARGET
#include <liveswap/master.hpp>
#include <uv.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <utility>

namespace {

void on_outcome(const liveswap::MasterOutcome& outcome) {
  std::printf("host: upgrade %s; generation %lu serves\n", outcome.result.c_str(),
              static_cast<unsigned long>(outcome.generation));
  if (!outcome.ok) std::printf("host: %s\n", outcome.text.c_str());
}

void on_signal(uv_signal_t* handle, int number) {
  auto& master = *static_cast<liveswap::Master*>(handle->data);
  if (number == SIGTERM) {
    master.stop();
  } else if (const auto begun = master.upgrade({}, on_outcome); !begun) {
    std::printf("host: not upgraded: %s\n", begun.error().c_str());
  }
}

void close_signal(uv_signal_t& handle) { uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr); }

int complain(const std::string& text) {
  std::fprintf(stderr, "embedded_master: %s\n", text.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return complain("usage: embedded_master LAUNCHER TARGET [NAME=]ADDRESS");
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  uv_loop_t loop;
  uv_loop_init(&loop);
  uv_signal_t terminate;
  uv_signal_t hang_up;
  int status = 1;

  liveswap::MasterOptions options;
  options.launcher = argv[1];  // an installed liveswap finds it by itself
  options.target = argv[2];
  options.listeners = {argv[3]};
  options.event = [](const liveswap::MasterEvent& event) {
    std::printf("host: %.*s\n", static_cast<int>(event.text.size()), event.text.data());
  };
  options.ended = [&](int with_status) {  // nothing of the master is in the loop any more; the rest is ours
    status = with_status;
    close_signal(terminate);
    close_signal(hang_up);
  };
  auto master = liveswap::Master::create(std::move(options), &loop);
  if (!master) return complain(master.error());
  if (const auto begun = master->start(); !begun) return complain(begun.error());
  for (const liveswap::MasterListener& listener : master->listeners()) {
    std::printf("host: %s listens on %s\n", listener.name.c_str(), listener.address.c_str());
  }
  std::printf("host: control socket %s\n", master->control_socket().c_str());

  terminate.data = hang_up.data = &*master;
  uv_signal_init(&loop, &terminate);
  uv_signal_init(&loop, &hang_up);
  uv_signal_start(&terminate, on_signal, SIGTERM);
  uv_signal_start(&hang_up, on_signal, SIGHUP);
  uv_run(&loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&loop) != 0) return complain("something is left in the loop");
  return status;
}
