// Whether a connection of a draining worker is idle, and its closing: by shutting the receiving side of the program's
// own socket down, so that the program reads the end of the stream, as from a client that leaves. For protocols in
// which each side waits for the other's whole message, as HTTP/1 does: what lies idle has been answered.
#pragma once

#include <chrono>

#include "core/time.hpp"
#include "os/connection_facts.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// busy: data came after data went, so an answer is due. idle: the answer went after what it answers. ambiguous: both
// in the same tick of the kernel's clock, or never: a fresh connection, or a quick answer, or a question right after
// one.
enum class Idleness { busy, idle, ambiguous };
Idleness idleness_of(const os::Traffic& traffic);

// An answer may be written in pieces: only after so long a silence has it ended.
inline constexpr std::chrono::milliseconds kQuiet{100};

// Whether it may be closed now: idle, and quiet; ambiguous ones after `ambiguous_for` of silence.
bool may_be_closed(const os::ConnectionFacts& facts, core::Duration ambiguous_for);

// Closes it if it may be, and nothing is unread or unsent. True: it did.
bool close_if_idle(os::FdRef connection, const os::ConnectionFacts& facts, core::Duration ambiguous_for);

}  // namespace liveswap::master
