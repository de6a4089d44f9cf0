// Notes of the core put into sentences: the one place that words what happens, for the log, `events` and progress.
#pragma once

#include <string>
#include <string_view>

#include "core/action.hpp"
#include "core/plan.hpp"

namespace liveswap::master {

// How loudly a kind of note is told.
core::LogLevel level_of(core::NoteKind kind);

// Whom the note is about: "web/2 g3" for a worker, "web g3", "web", or "" for the master itself.
std::string subject_of(const core::Note& note, std::string_view app);

// What happened, without the subject: "ready", "died: exit status 1; started again in 200ms".
std::string sentence_of(const core::Note& note);

}  // namespace liveswap::master
