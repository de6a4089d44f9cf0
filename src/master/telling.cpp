#include "master/telling.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/text.hpp"

namespace liveswap::master {

namespace {

using core::Note;
using core::NoteKind;
using core::text_of;

constexpr auto kLevels = std::to_array<core::LogLevel>({
#define NOTE(name, level, meaning) core::LogLevel::level,
#include "core/notes.def"
#undef NOTE
});

std::string status_text(const Note& note) { return note.status ? text_of(*note.status) : std::string("ended"); }

std::string cause(const Note& note) {
  std::string text(core::meaning_of(note.reason));
  if (!note.text.empty()) text += (text.empty() ? "" : ": ") + note.text;
  return text;
}

std::string with_text(std::string sentence, const Note& note) {
  if (!note.text.empty()) sentence += ": " + note.text;
  return sentence;
}

std::string within(const Note& note) {
  if (!note.wait) return {};
  return *note.wait == core::kForever ? std::string(", without a time limit") : ", at most " + text_of(*note.wait);
}

std::string killed_in(const Note& note) {
  if (!note.wait || *note.wait == core::kForever) return "may take its time to end";
  return "killed in " + text_of(*note.wait) + " if it has not ended";
}

std::string rollout_name(const Note& note) {
  return std::string(note.rollout ? core::name_of(*note.rollout) : std::string_view("rollout"));
}

std::string workers(std::uint32_t count) { return fmt::format("{} worker{}", count, count == 1 ? "" : "s"); }

std::string connections(std::uint32_t count) { return fmt::format("{} connection{}", count, count == 1 ? "" : "s"); }

std::string worker_sentence(const Note& note) {
  switch (note.kind) {
    case NoteKind::worker_starting: return fmt::format("starting ({})", text_of(note.release));
    case NoteKind::worker_ready: return "ready";
    case NoteKind::worker_draining: return "draining" + within(note);
    case NoteKind::worker_stopping:
      return (note.signo ? "sent " + core::signal_name(*note.signo) + "; " : std::string()) + killed_in(note);
    case NoteKind::worker_cut:
      return note.count == 0 ? "cut; how many connections it had open is unknown: " + note.text
                             : fmt::format("cut with {} open", connections(note.count)) +
                                   (note.text.empty() ? "" : ", " + note.text);
    case NoteKind::worker_killed: return "did not end in time: killed, with all that it started";
    case NoteKind::worker_exited: return "gone: " + status_text(note);
    case NoteKind::worker_died: return "died: " + status_text(note);
    case NoteKind::worker_launch_failed: return "could not be started: " + note.text;
    case NoteKind::worker_watchdog: return with_text("stopped answering its watchdog: taken for hung", note);
    case NoteKind::worker_leftovers: return "left processes behind, which are ended now";
    case NoteKind::slot_backoff:
      return fmt::format("started again in {}", text_of(note.wait.value_or(core::Duration::zero())));
    default: return "died too often: not started again";
  }
}

// A rollout is its generation's; the slot is that of the worker that made it fail.
std::string failed_worker(const Note& note) { return note.slot ? fmt::format(" (slot {})", *note.slot) : ""; }

std::string rollout_sentence(const Note& note) {
  const std::string name = rollout_name(note);
  switch (note.kind) {
    case NoteKind::rollout_started:
      return fmt::format("{} to {}: {}", name, text_of(note.release), workers(note.count));
    case NoteKind::rollout_will_stop_oldest:
      return with_text("too many generations would drain: the oldest will be stopped when this one is ready", note);
    case NoteKind::rollout_stops_old:
      return workers(note.count) + " stopped at once, and what they serve is lost: zero-downtime is off (-z)";
    case NoteKind::rollout_failed: return fmt::format("{} failed: {}{}", name, cause(note), failed_worker(note));
    case NoteKind::rollout_rolled_back: return fmt::format("{} rolled back: {}", name, cause(note));
    default: return fmt::format("{} done: {} ready", name, workers(note.count));
  }
}

std::string generation_sentence(const Note& note) {
  switch (note.kind) {
    case NoteKind::generation_ready: return fmt::format("all {} ready", workers(note.count));
    case NoteKind::generation_draining: return "draining" + within(note);
    case NoteKind::generation_cut: return with_text("stopped while it drained", note);
    case NoteKind::generation_extended:
      return fmt::format("{} more to drain", text_of(note.wait.value_or(core::Duration::zero())));
    default: return "gone";
  }
}

std::string app_sentence(const Note& note) {
  switch (note.kind) {
    case NoteKind::app_starting: return "starting";
    case NoteKind::app_running: return "running";
    case NoteKind::app_stopping: return "stopping";
    case NoteKind::app_stopped: return "stopped";
    case NoteKind::app_failed: return "failed: " + cause(note);
    case NoteKind::hook_started: return "upgrade: running the pre_upgrade hook";
    case NoteKind::listener_held: return note.text;
    case NoteKind::shutdown_started: return with_text("shutting down", note);
    default: return "no worker left: the master exits";
  }
}

}  // namespace

core::LogLevel level_of(NoteKind kind) { return kLevels[static_cast<std::size_t>(std::to_underlying(kind))]; }

std::string subject_of(const Note& note, std::string_view app) {
  std::string subject(app);
  if (note.slot && !note.rollout) subject += "/" + std::to_string(*note.slot);
  if (note.generation) subject += (subject.empty() ? "" : " ") + text_of(note.generation);
  return subject;
}

std::string sentence_of(const Note& note) {
  switch (note.kind) {
    case NoteKind::worker_starting:
    case NoteKind::worker_ready:
    case NoteKind::worker_draining:
    case NoteKind::worker_stopping:
    case NoteKind::worker_cut:
    case NoteKind::worker_killed:
    case NoteKind::worker_exited:
    case NoteKind::worker_died:
    case NoteKind::worker_launch_failed:
    case NoteKind::worker_watchdog:
    case NoteKind::worker_leftovers:
    case NoteKind::slot_backoff:
    case NoteKind::slot_gave_up: return worker_sentence(note);
    case NoteKind::rollout_started:
    case NoteKind::rollout_will_stop_oldest:
    case NoteKind::rollout_stops_old:
    case NoteKind::rollout_failed:
    case NoteKind::rollout_rolled_back:
    case NoteKind::rollout_done: return rollout_sentence(note);
    case NoteKind::generation_ready:
    case NoteKind::generation_draining:
    case NoteKind::generation_cut:
    case NoteKind::generation_extended:
    case NoteKind::generation_gone: return generation_sentence(note);
    default: return app_sentence(note);
  }
}

}  // namespace liveswap::master
