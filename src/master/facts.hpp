// What the master knows beyond the core's snapshot, as plain values: rows of status, lines of output, things
// told.
//
// Their makers (listeners, workers, output, telling) fill them in; the control interface only shows them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/action.hpp"
#include "core/ids.hpp"
#include "core/plan.hpp"
#include "core/time.hpp"

namespace liveswap::master {

// Time as people read it. Only for showing: nothing is decided by it.
using WallTime = std::chrono::system_clock::time_point;

struct MasterFacts {
  std::string name;
  std::string version;
  pid_t pid = 0;
  WallTime since{};  // when this master started
  pid_t guardian = 0;  // 0: it has none
  std::string binary;  // the path by which it was started …
  bool binary_changed = false;  // … where another file is by now, or none
  std::string file;  // absolute; "" where there is none
  std::string runtime_dir;
  std::string state_dir;       // "" for none
  std::string control_socket;  // absolute
};

// A socket of a steered listener.
struct SideRow {
  core::GenerationId generation{};  // whose workers have it, or had it last
  std::uint32_t workers = 0;        // that have it now
  bool chosen = false;              // it gets new connections
  std::optional<std::uint32_t> queue;
};

// One bound socket of a listener; a listener with several addresses has several rows.
struct ListenerRow {
  std::string name;
  std::size_t index = 0;  // within the listener: 0 for the first
  core::SocketKind kind = core::SocketKind::tcp;
  std::string address;     // the real one: "127.0.0.1:8080", "[::1]:80", "/run/x.sock", "@bus"
  std::uint16_t port = 0;  // the real one; 0 for Unix sockets
  std::optional<std::uint32_t>
      queue;  // connections that wait to be accepted; nullopt: unknown, or no such thing
  std::optional<std::uint32_t> backlog;
  bool open = true;  // false: closed, because every app that lists it is stopped
  bool paused = false;
  std::optional<std::uint64_t> dropped;  // datagrams dropped by the kernel, where it says so
  std::vector<std::string> apps;         // that list it
  core::Handoff handoff = core::Handoff::shared;
  std::vector<SideRow> sides;  // steered
};

struct WorkerFacts {
  pid_t pid = 0;  // of the main process; 0: none
  WallTime started{};
  std::optional<std::uint32_t> connections;  // that it has open; nullopt: unknown
  std::string connections_unknown;           // why, where it was tried
  std::optional<core::Time> oldest;          // of these connections: it was there then, or …
  bool oldest_exact = false;                 // … came then
  std::string status;                        // what it says of itself (STATUS=); "" for nothing
};

// One connection that a worker has open.
struct ConnectionRow {
  pid_t pid = 0;  // of a process that has it
  std::optional<std::string> peer;  // "192.0.2.7:50123"; a Unix client has no address …
  pid_t peer_pid = 0;               // … but a pid; 0: none
  core::Time since{};               // it was there then, or …
  bool since_exact = false;         // … came then
  std::optional<core::Time> last_data;  // when data went or came last; nullopt: the kernel does not tell
  std::optional<std::uint64_t> bytes_in, bytes_out;
  std::string_view state;           // as TCP calls it: "established", "close_wait"
};

// What a release runs, for people.
struct ReleaseFacts {
  core::Protocol protocol = core::Protocol::systemd;
  std::optional<core::BindBy> bind_by;  // bind: what `auto` came to
  std::optional<std::string> target;   // resolved
  std::vector<std::string> command;    // expanded for slot 0
  std::vector<std::string> overrides;  // what differs from the file, as typed: "--target /srv/b", "--env A=1"
};

// What an upgrade was asked to do otherwise than the file says; belongs to that release alone.
struct ReleaseOverrides {
  std::optional<std::string> target;  // absolute
  std::vector<std::string> command;   // empty: the file's
  std::vector<std::pair<std::string, std::string>> env;
  std::string label;
  [[nodiscard]] bool empty() const { return !target && command.empty() && env.empty() && label.empty(); }
};

// How many of an app's workers got an operator's message.
struct MessageCount {
  std::uint32_t reached = 0;
  std::uint32_t workers = 0;
};
using MessageHandler = std::function<void(const MessageCount&)>;

// A line that a worker wrote, or the master's own where `app` is empty.
struct OutputLine {
  std::uint64_t number = 0;  // counted up from 1 over all apps
  WallTime at{};
  std::string app;
  core::GenerationId generation{};  // 0: a hook of the app wrote it
  core::Slot slot = 0;
  bool is_stderr = false;
  std::string text;  // without the line break; bytes as written
};

// A note of the core with all that only the shell knows.
struct Told {
  std::uint64_t number = 0;  // counted up from 1
  WallTime at{};
  core::Note note;
  std::string app;   // its name; "" where the note is the master's own
  pid_t pid = 0;     // of the note's worker, where it has one
  std::string text;  // the log line, without time and level
};

}  // namespace liveswap::master
