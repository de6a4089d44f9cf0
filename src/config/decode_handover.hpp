// The parts of an app's section that say how its workers find their sockets, beside listeners: standard input, other
// conventions' variables and descriptors.
#pragma once

#include <vector>

#include "config/decoder.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// Reads stdin, before listeners: what it names is not among the descriptors from 3 on unless it is listed.
void decode_stdin(Section& section, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners);

// Reads listen_pid, notify_fd, inherit_as and status_file; protocol and listeners are in the app already.
void decode_handover(Section& section, core::AppPlan& app);

// Reads ready.fd; everything else that has a descriptor is in the app already.
void decode_ready_fd(Section& section, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners);

// Tells that a listener is not there, at the word that names it.
void tell_no_listener(Section& section, std::string_view key, const PlacedWord& word,
                      const std::vector<core::ListenerPlan>& listeners);

}  // namespace liveswap::config
