// Values of the core as people read them: durations, exit statuses, signals, workers.
#pragma once

#include <string>

#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

namespace liveswap::core {

// "250ms", "5s", "2m", "1h", "1m30s", "infinity": what the configuration file would accept, the short way.
std::string text_of(Duration duration);

// "SIGTERM"; "signal 99" for one without a name.
std::string signal_name(int signo);

// "exit status 3", "killed by SIGSEGV (core dumped)".
std::string text_of(const ExitStatus& status);

// "g3", "r7".
std::string text_of(GenerationId generation);
std::string text_of(ReleaseId release);

}  // namespace liveswap::core
