// Decides what becomes of a worker's processes' bind(2) and listen(2) (`protocol: bind`). The calls come by one of two
// ways, as `bind_by` has it, and wait for the answer from here:
//
//   seccomp_binds.hpp  the notifier of the filter that the launcher has installed
//   preload_link.hpp   the library liveswap-bind.so in the program
//
//   bind    the master binds the program's own socket, or lets the kernel do it where the address is none of ours
//   listen  the socket becomes a side of a steered listener; readiness follows from it
//
// A call that a signal has interrupted comes again, and gets the same answer.
//
// A socket that no process of the worker has any more, since the one that had it has ended, stays with what waits in
// its queue for the next process that binds the address. Owned by the worker's process, from its launch until its end.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/program_sockets.hpp"
#include "master/release.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// A call, as whoever has received it found it.
struct BindCall {
  pid_t thread = 0;     // that calls, or its process
  pid_t pid = 0;        // of that process
  os::OwnedFd pidfd;
  int descriptor = -1;  // its number there
  os::OwnedFd socket;   // a copy of what it is open on
  std::function<os::Result<void>(os::FdRef)> put;  // lets it be open on another socket
};

struct BindWatchState;  // workers_state.hpp

class BindWatch {
 public:
  struct Handlers {
    std::function<void()> listens;  // a socket of the worker takes connections now, or datagrams
    std::function<void(std::string_view text)> problem;
    std::function<std::vector<pid_t>()> processes;  // of the worker
  };

  // What the caller gets: an error, 0 for none, or what the kernel makes of the call.
  struct Reply {
    bool go_on = false;
    int error = 0;
  };

  BindWatch(loop::Loop& loop, ProgramSockets& sockets, const core::Spawn& worker,
            std::shared_ptr<const Release> release, Handlers handlers);
  BindWatch(const BindWatch&) = delete;
  BindWatch& operator=(const BindWatch&) = delete;

  // `address`: a copy of the sockaddr, which the program cannot change any more.
  [[nodiscard]] Reply bind(BindCall call, std::span<const std::byte> address);
  [[nodiscard]] Reply listen(BindCall call, int backlog);
  [[nodiscard]] Reply unlink(pid_t thread, int directory, std::string_view path);

  [[nodiscard]] BindWatchState save() const;
  // Instead of what there is; what is not there any more is left out, and told.
  void restore(BindWatchState state, std::vector<std::string>& problems);

  // Where it listens, and datagram sockets that are bound.
  [[nodiscard]] std::vector<BoundSocket> bound() const;
  // A bind or a listen of it has come, whatever became of it.
  [[nodiscard]] bool was_called() const { return was_called_; }
  [[nodiscard]] bool has_process(pid_t pid) const;  // of the worker
  void tell_once(std::string text);

 private:
  struct Socket {
    PlacedSocket placed;
    core::Address wanted;  // that the program asked for
    bool listens = false;
  };
  struct Process {
    os::OwnedFd pidfd;
    std::unique_ptr<loop::FdWatch> watch;
  };
  [[nodiscard]] Reply place(BindCall call, const core::Address& wanted);
  [[nodiscard]] bool inherit(const BindCall& call, os::FdRef left);
  [[nodiscard]] ServerRequest request_for(const BindCall& call, const core::Address& wanted);
  [[nodiscard]] bool is_ours(const ServerRequest& request);
  void watch_process(pid_t pid, os::OwnedFd pidfd);
  void process_ended(pid_t pid);
  [[nodiscard]] std::optional<std::set<std::uint64_t>> held_by(pid_t pid, os::FdRef pidfd) const;
  void let_go_of_abandoned();

  loop::Loop& loop_;
  ProgramSockets& program_sockets_;
  core::Spawn worker_;
  std::shared_ptr<const Release> release_;
  Handlers handlers_;
  std::map<std::uint64_t, Socket> sockets_;  // by cookie
  std::map<pid_t, Process> processes_;       // that have bound something
  std::set<std::string> told_;
  bool was_called_ = false;
};

}  // namespace liveswap::master
