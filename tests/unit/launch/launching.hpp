// Plays the master to one liveswap-launch: starts it with a channel, sends what the test says, and reads what
// comes back: packets, the end of the channel, the program's output and the exit status.
#pragma once

#include <doctest/doctest.h>
#include <sys/types.h>

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/fd.hpp"
#include "wire/launch_plan.hpp"

namespace liveswap::launch::test {

// Both builds of the launcher; every test is run with each.
[[nodiscard]] std::vector<std::string> launchers();
[[nodiscard]] std::string probe_program();

[[nodiscard]] os::OwnedFd named_memory(const char* name);  // shows as "/memfd:NAME (deleted)"
[[nodiscard]] os::OwnedFd open_directory(const std::string& path);

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  [[nodiscard]] const std::string& path() const { return path_; }
  std::string write(const std::string& name, std::string_view content, unsigned mode) const;

 private:
  std::string path_;
};

struct Facts {
  std::multimap<std::string, std::string> all;
  [[nodiscard]] std::string of(const std::string& name) const;  // "(none)" where it is not there
  [[nodiscard]] std::string descriptors() const;                // "3=… 4=…", from 3 on
};

class Launching {
 public:
  // `prepare` runs in the child before the launcher is executed.
  explicit Launching(const std::string& launcher, void (*prepare)() = nullptr);
  Launching(const Launching&) = delete;
  Launching& operator=(const Launching&) = delete;
  ~Launching();

  // Sends the plan and all descriptors, with the program's output as the last of them, placed at 1; then GO.
  void send(wire::LaunchPlan plan, std::span<const os::FdRef> descriptors);
  void send_plan_bytes(std::span<const std::byte> bytes, bool sealed = true);
  void send_go();
  void close_channel() { channel_.reset(); }

  // "EXECUTING", "FAILED chdir /srv/x: No such file or directory", "closed", or what is wrong.
  [[nodiscard]] std::string next();
  [[nodiscard]] os::OwnedFd take_notifier() { return std::move(notifier_); }  // that came with FILTER
  [[nodiscard]] std::string read_line();  // the next one that the program writes
  [[nodiscard]] Facts output();           // all the others
  [[nodiscard]] int exit_status();
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] os::FdRef channel() const { return channel_; }

 private:
  os::OwnedFd channel_;
  os::OwnedFd notifier_;
  os::OwnedFd output_read_;
  os::OwnedFd output_write_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

}  // namespace liveswap::launch::test
