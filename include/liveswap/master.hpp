// liveswap/master.hpp: a master of liveswap in a program of one's own. libliveswap-master(3) explains it all.
//
//   liveswap::MasterOptions options;
//   options.target = "./server";
//   options.listeners = {"http=tcp://127.0.0.1:8080"};
//   auto master = liveswap::Master::create(std::move(options));
//   if (!master) …                            // master.error() says why
//   if (auto begun = master->start(); !begun) …
//   return master->run();
//
// Needs C++23, and no library's header. Errors are sentences for people; nothing here throws, exits or aborts on what
// it is given. One thread, the loop's.
#ifndef LIVESWAP_MASTER_HPP
#define LIVESWAP_MASTER_HPP

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct uv_loop_s;  // uv_loop_t

namespace liveswap {

// What the master may do to the process as a whole. Nothing of it unless the host says so; at most one master of a
// process may have the first two.
struct ProcessRights {
  // Takes TERM, INT, QUIT, HUP, USR1 and USR2, with the meanings of liveswap(8). They are blocked in the thread that
  // calls create(), and stay so, also where that fails.
  bool signals = false;
  // Makes the process a child subreaper, and takes CHLD: what workers leave behind is found and ended, and every child
  // of the process that ends is reaped. Only for a host that starts no processes itself.
  bool orphans = false;
  // Raises the soft RLIMIT_NOFILE to the hard one. Workers keep the old one.
  bool descriptor_limit = false;
  // Tells the NOTIFY_SOCKET of the environment of READY=1 and STOPPING=1.
  bool service_manager = false;
  // Gives each worker a cgroup below the process's own, where systemd has delegated that.
  bool cgroup = false;

  static constexpr ProcessRights all() { return {true, true, true, true, true}; }
};

// A line that a worker wrote, or the master's own. The texts are valid during the call.
struct MasterLine {
  std::string_view text;  // without a label and without its newline
  std::string_view app;   // "" for the master's own
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;  // 0: a hook's
  bool is_stderr = false;
};

// Something that happened: one line of `liveswapctl events`. The texts are valid during the call; zero and "" are none.
struct MasterEvent {
  std::uint64_t number = 0;  // counted up from 1
  std::chrono::system_clock::time_point at{};
  std::string_view kind;  // worker_ready, rollout_done, …
  std::string_view app;
  std::uint64_t generation = 0;
  std::uint64_t release = 0;
  std::optional<std::uint32_t> slot;
  int pid = 0;
  std::string_view reason;
  std::string_view text;  // the whole sentence
};

struct MasterOptions {
  // What to run: a configuration file, or without one a target, or what a HEAD file names.
  std::string file;
  std::string target;
  std::string head;  // -H

  // With a target or a HEAD file, as the options of liveswap(8) have them.
  std::optional<unsigned> workers;     // -f
  std::vector<std::string> listeners;  // -l [NAME=]ADDRESS
  std::vector<std::string> arguments;  // after --
  std::string name;                    // -n
  std::string control;                 // --control
  bool overlap = true;                 // false: -z
  std::string pre_upgrade;             // --pre-upgrade
  std::optional<std::uint16_t> port;   // -p
  std::string address;                 // -a

  std::string launcher;  // the path of liveswap-launch; "": beside the program, or where liveswap was installed
  ProcessRights rights;

  // Called from the loop, one after the other, never from inside one of the functions below. None of them may throw,
  // and only `ended` may destroy the master.
  std::function<void(const MasterLine&)> output;  // none: labelled, to the process's standard output and error
  std::function<void(const MasterEvent&)> event;
  std::function<void(int status)> ended;  // once, the last of all: 0 asked to stop; 1 could not go on
};

// What an upgrade is to do otherwise than the file says: for that release alone.
struct MasterUpgrade {
  std::string app;                    // "": the only one
  std::optional<std::string> target;  // a relative path is the process's
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> env;
  std::string label;
  bool if_changed = false;
};

// How an upgrade ended, as `liveswapctl upgrade --json` prints it.
struct MasterOutcome {
  bool ok = false;      // done, or nothing had to be done
  std::string result;   // done, unchanged, rolled_back, failed, …
  std::string reason;   // ready_timeout, exec_failed, …; "" for none
  std::string text;     // for people
  std::uint64_t release = 0, generation = 0;  // that serve now
  unsigned serving = 0, wanted = 0;           // workers
  std::vector<std::string> last_lines;        // of the worker that failed
};

// One bound socket.
struct MasterListener {
  std::string name;
  std::string kind;     // tcp, udp, unix, …
  std::string address;  // the real one: "127.0.0.1:8080", "/run/x.sock"
  std::uint16_t port = 0;
};

class Master {
 public:
  // Reads the configuration and takes the master's name. Without `loop` it has one of its own; a loop that is given
  // must outlive it, and be run once more after it before it is closed.
  [[nodiscard]] static std::expected<Master, std::string> create(MasterOptions options, uv_loop_s* loop = nullptr);

  Master(Master&&) noexcept;
  Master& operator=(Master&&) noexcept;
  // One that has not ended kills its workers, and tells nobody.
  ~Master();

  // Binds the listeners, opens the control socket and starts the apps; the loop does the rest. After an error nothing
  // runs, and `ended` is not called.
  [[nodiscard]] std::expected<void, std::string> start();

  // Runs the loop until everything has ended; returns the status. A host that runs its loop itself has no use for it.
  int run();

  // Drains every worker and ends; `now` stops them at once. Does nothing before start() and after the end.
  void stop(bool now = false);

  // An error: refused, nothing has begun. Else `answered` is called once, unless the master is destroyed before.
  std::expected<void, std::string> upgrade(MasterUpgrade what, std::function<void(const MasterOutcome&)> answered = {});

  // The object that `liveswapctl status --json` prints; "" where the master does not run.
  [[nodiscard]] std::string status_json();
  [[nodiscard]] std::vector<MasterListener> listeners() const;  // in the file's order; none where it does not run
  [[nodiscard]] const std::string& control_socket() const;      // absolute
  [[nodiscard]] std::optional<int> exit_status() const;         // none: it has not ended

 private:
  struct Impl;
  explicit Master(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace liveswap

#endif
