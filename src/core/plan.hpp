// The plan: everything that a configuration file says, as plain values.
//
// config/ makes it, master/ acts on it, and the core reads the part that it decides by (AppPolicy). Every default is
// already in it; every path is absolute; the `${…}` of commands, cwd and env are still unexpanded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/choices.hpp"
#include "core/time.hpp"

namespace liveswap::core {

// ---- listeners ----

// One address to bind: one socket.
struct Address {
  SocketKind kind = SocketKind::tcp;
  std::string host;            // tcp, udp: numeric, without brackets; "" is one dual-stack socket (`tcp://:8080`)
  std::uint16_t port = 0;      // tcp, udp: 0 lets the kernel choose
  std::string path;            // unix: absolute path, or the abstract name without its '@'
  bool abstract = false;       // unix
  bool if_available = false;   // the ::1 of `localhost`: left out where the machine has no IPv6 loopback
  std::string text;            // as written in the file, for messages
  bool operator==(const Address&) const = default;
};

struct SocketOptions {
  std::optional<int> backlog;            // default: somaxconn
  bool v6only = false;
  bool nonblock = false;                 // O_NONBLOCK on the shared open socket
  bool reuseport = false;
  bool freebind = false;
  bool transparent = false;
  std::optional<bool> nodelay;
  std::optional<bool> keepalive;
  std::optional<Duration> defer_accept;  // whole seconds
  std::optional<int> fastopen;           // length of the queue
  std::optional<std::uint32_t> mark;
  std::string interface;                 // SO_BINDTODEVICE; "" is any
  std::optional<int> rcvbuf, sndbuf;     // bytes, as given to setsockopt
  std::optional<int> tos;                // 0 … 255: IP_TOS and IPV6_TCLASS
  // Unix paths only:
  std::optional<std::uint32_t> mode;     // default 0660
  std::optional<std::string> user, group;
  bool operator==(const SocketOptions&) const = default;
};

struct ListenerPlan {
  std::string name;
  std::vector<Address> addresses;  // at least one; in descriptor order
  SocketOptions options;
  Handoff handoff = Handoff::shared;
  Queues queues = Queues::one;     // of a steered one
  std::vector<Address> match;      // what programs that bind by themselves may ask for instead of its addresses
  bool operator==(const ListenerPlan&) const = default;
};

// ---- apps ----

// A number of workers or a share of them, as in Kubernetes' rolling updates.
struct Amount {
  std::uint32_t value = 0;
  bool percent = false;
  bool operator==(const Amount&) const = default;
};

struct RestartLimit {
  std::uint32_t burst = 0;  // that many deaths …
  Duration interval{};      // … in that time: the slot gives up
  bool operator==(const RestartLimit&) const = default;
};

// How a worker that is to leave is made to: see worker.hpp.
enum class Leaving {
  asked_at_once,       // it stops accepting, others accept from the same sockets
  asked_when_starved,  // its sockets get no new connection any more: once their queues are empty
  asked_when_empty,    // … once it has nothing open, either: it would cut what it has open
  stopped_when_empty,  // … the same, by the stop signal: nothing asks it to drain
};

// What the core decides by. Pinned with each release, so that an old program is drained by its own rules.
struct AppPolicy {
  std::uint32_t workers = 1;
  Duration ready_timeout = std::chrono::seconds(30);
  Duration drain_timeout = std::chrono::seconds(60);
  Duration stop_timeout = std::chrono::seconds(10);
  std::optional<Duration> drain_idle;  // idle connections of a draining worker are closed; ambiguous ones after so long
  int drain_signal = 15;         // used where the protocol drains by a signal
  bool drain_by_signal = true;   // false: by a message (native, node)
  Leaving leaving = Leaving::asked_at_once;
  int stop_signal = 15;
  Duration restart_delay = std::chrono::milliseconds(100);
  Duration restart_max_delay = std::chrono::seconds(30);
  Duration restart_reset_after = std::chrono::seconds(60);
  std::optional<RestartLimit> restart_limit;
  Amount max_surge{100, true};
  Amount max_unavailable{0, false};
  std::uint32_t max_draining = 4;
  std::optional<Duration> watchdog;
  bool overlap = true;  // false: an upgrade stops the old workers at once, without waiting for the new ones
  // Some of its listeners are steered: who gets new connections is decided, not left to who accepts.
  [[nodiscard]] bool steered() const { return leaving != Leaving::asked_at_once; }
  bool operator==(const AppPolicy&) const = default;
};

struct ReadyPlan {
  ReadyWhen when = ReadyWhen::notify;
  Duration delay = std::chrono::seconds(1);     // when: delay
  Duration interval = std::chrono::seconds(1);  // when: command
  std::vector<std::string> command;             // when: command
  int fd = -1;                                  // when: fd
  bool operator==(const ReadyPlan&) const = default;
};

struct HooksPlan {
  std::vector<std::string> pre_upgrade;         // words, unexpanded; empty: there is none
  Duration timeout = std::chrono::seconds(60);  // of each
  bool operator==(const HooksPlan&) const = default;
};

struct PassEnv {
  enum class Kind { all, none, some } kind = Kind::all;
  std::vector<std::string> patterns;  // some: names, with a trailing * allowed
  bool operator==(const PassEnv&) const = default;
};

struct EnvFile {
  std::string path;
  bool may_be_missing = false;
  bool operator==(const EnvFile&) const = default;
};

inline constexpr std::uint64_t kUnlimited = UINT64_MAX;

struct Limit {
  std::string name;  // nofile, core, … as in setrlimit(2) without RLIMIT_, lower case
  int resource = 0;  // RLIMIT_…
  std::uint64_t soft = kUnlimited, hard = kUnlimited;
  bool operator==(const Limit&) const = default;
};

inline constexpr int kFirstDescriptor = 3;  // that follows standard input, output and error

struct AppPlan {
  std::string name;
  std::vector<std::string> command;    // words, unexpanded; empty: the target itself is run …
  std::vector<std::string> arguments;  // … with these words after it, unexpanded
  std::optional<std::string> target;   // absolute, not resolved through symlinks
  std::string cwd;                     // unexpanded; below the file's folder where it turns out relative
  bool workers_auto = false;           // `workers: auto`; policy.workers has the number
  std::vector<std::string> listeners;  // names, in descriptor order from first_descriptor()
  std::optional<std::string> stdin_listener;  // the name of one, that is descriptor 0
  bool listen_pid = true;              // LISTEN_PID is set
  bool notify_fd = false;              // NOTIFY_FD is set
  std::optional<InheritAs> inherit_as;
  std::optional<std::string> status_file;  // server-starter
  Protocol protocol = Protocol::systemd;
  bool protocol_chosen = false;        // by the target's kind: a later one must be of a kind that speaks it
  ReadyPlan ready;
  std::vector<std::string> on_message;  // words, unexpanded; empty: messages are the program's own business
  HooksPlan hooks;
  AppPolicy policy;
  std::optional<std::string> user, group;
  PassEnv pass_env;
  std::vector<EnvFile> env_files;
  std::vector<std::pair<std::string, std::string>> env;  // in the file's order, unexpanded
  std::vector<Limit> limits;
  Output output = Output::prefix;
  std::string drain_message;           // node: sent to the program before it is asked to close its servers; "" for none
  std::vector<Address> allow_bind;     // node, bind: what its workers may also open, whatever their own rights
  std::uint32_t on_demand_max = 64;    // node, bind: listeners that its workers may have opened at a time
  IoUring io_uring = IoUring::allow;   // bind
  BindBy bind_by = BindBy::automatic;  // bind

  // Of the first listener.
  [[nodiscard]] int first_descriptor() const {
    return inherit_as ? core::first_descriptor(*inherit_as) : kFirstDescriptor;
  }
  // Those of the above, and the one on standard input where it is not among them.
  [[nodiscard]] std::vector<std::string> all_listeners() const {
    auto all = listeners;
    if (stdin_listener && std::ranges::find(all, *stdin_listener) == all.end()) all.push_back(*stdin_listener);
    return all;
  }
  bool operator==(const AppPlan&) const = default;
};

// ---- the master ----

struct Access {
  std::vector<std::string> users, groups;
  bool operator==(const Access&) const = default;
};

struct ControlPlan {
  std::optional<std::string> socket;  // default: RUNTIME_DIR/control.sock
  Access observers, operators, admins;
  std::optional<Address> tcp;         // the namesake's control port, on a loopback address
  bool operator==(const ControlPlan&) const = default;
};

struct MultibinderPlan {
  std::string socket;               // absolute
  std::vector<Address> allow_bind;  // tcp: what may be opened beyond the listeners
  bool operator==(const MultibinderPlan&) const = default;
};

// Sockets at which other programs fetch listeners, each in a way of its own.
struct ServePlan {
  std::optional<std::string> haproxy, uwsgi;  // absolute paths
  std::optional<MultibinderPlan> multibinder;
  [[nodiscard]] bool serves() const { return haproxy || uwsgi || multibinder; }
  bool operator==(const ServePlan&) const = default;
};

struct ShutdownPolicy {
  Duration delay{};
  Duration timeout = std::chrono::seconds(60);
  bool operator==(const ShutdownPolicy&) const = default;
};

struct MasterPlan {
  std::string name;
  std::string file;                        // absolute; "" where there is none
  std::optional<std::string> head;         // -H: absolute; the file that names the target that serves
  std::optional<std::string> runtime_dir;  // as configured; the default is found by the master and the client alike
  std::optional<std::string> state_dir;    // as configured
  bool no_state = false;                   // `state_dir: none`
  ControlPlan control;
  ServePlan serve;
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::text;
  ShutdownPolicy shutdown;
  OnStartFailure on_start_failure = OnStartFailure::exit;
  std::vector<ListenerPlan> listeners;  // in the file's order
  std::vector<AppPlan> apps;            // in the file's order
  bool operator==(const MasterPlan&) const = default;
};

}  // namespace liveswap::core
