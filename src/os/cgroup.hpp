// A cgroup of one's own for a worker, so that everything it starts can be found and ended together. All of it
// is best effort: without cgroup2, without the right to it, or where systemd has not delegated the place to
// us, an Error says why, and the caller goes on without.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

// The directory of the cgroup2 that a process is in, from the texts of its mountinfo and cgroup files. The
// hierarchy may be mounted anywhere, also beside those of version 1, and only a part of it may be visible.
[[nodiscard]] Result<std::string> find_cgroup(std::string_view mountinfo, std::string_view membership);
[[nodiscard]] Result<std::string> own_cgroup();

// Whether we may make cgroups below this one. Being able to is not enough under systemd: it owns the tree,
// and only what it marks as delegated is left alone by it.
[[nodiscard]] Result<void> check_cgroup_is_ours(const std::string& directory, bool under_systemd);
[[nodiscard]] bool runs_under_systemd();

// One cgroup that we made. It stays until remove(), also when the object dies.
class Cgroup {
 public:
  // An empty one of the same name, left from earlier, is replaced.
  [[nodiscard]] static Result<Cgroup> create(const std::string& parent, std::string_view name);

  // One that an earlier process of ours has made.
  [[nodiscard]] static Cgroup existing(std::string path) { return Cgroup(std::move(path)); }

  [[nodiscard]] const std::string& path() const { return path_; }

  // For a process to move itself in by writing "0", also after it has given up its rights.
  [[nodiscard]] Result<OwnedFd> open_procs() const;

  // Its content changes, and poll() reports POLLPRI, when the last process leaves or the first one comes.
  [[nodiscard]] Result<OwnedFd> open_events() const;

  // No process is in it or below it (one that has ended but is not reaped does not count).
  [[nodiscard]] Result<bool> empty() const;

  // Who is in it and below it now, those that have ended but are not reaped included, in no order.
  [[nodiscard]] Result<std::vector<pid_t>> processes() const;

  // SIGKILL to every process in it and below it, at once where the kernel can (Linux 5.14), else one after
  // the other.
  [[nodiscard]] Result<void> kill() const;
  [[nodiscard]] Result<void> kill_one_by_one() const;

  // It and what was made below it; EBUSY while a process is there.
  [[nodiscard]] Result<void> remove() const;

 private:
  explicit Cgroup(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace liveswap::os
