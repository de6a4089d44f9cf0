#include "master/telling.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include "master/log.hpp"

using namespace liveswap;
using namespace std::chrono_literals;

namespace {

core::Note worker_note(core::NoteKind kind) {
  core::Note note;
  note.kind = kind;
  note.app = core::AppId{1};
  note.generation = core::GenerationId{3};
  note.release = core::ReleaseId{2};
  note.worker = core::WorkerId{9};
  note.slot = 2;
  return note;
}

}  // namespace

TEST_CASE("a worker's note names app, slot and generation") {
  core::Note note = worker_note(core::NoteKind::worker_died);
  note.status = core::ExitStatus{true, SIGKILL, false};
  CHECK(master::subject_of(note, "web") == "web/2 g3");
  CHECK(master::sentence_of(note) == "died: killed by SIGKILL");
}

TEST_CASE("a drain says how long it may take") {
  core::Note note = worker_note(core::NoteKind::worker_draining);
  note.wait = 60s;
  CHECK(master::sentence_of(note) == "draining, at most 1m");
  note.wait = core::kForever;
  CHECK(master::sentence_of(note) == "draining, without a time limit");
}

TEST_CASE("what a cut costs is told, or that nobody knows") {
  core::Note note = worker_note(core::NoteKind::worker_cut);
  note.count = 3;
  note.text = "the oldest for more than 41m";
  CHECK(master::sentence_of(note) == "cut with 3 connections open, the oldest for more than 41m");
  note.count = 0;
  note.text = "PID 7 (server): pidfd_getfd(5): Operation not permitted";
  CHECK(master::sentence_of(note) ==
        "cut; how many connections it had open is unknown: PID 7 (server): pidfd_getfd(5): Operation not permitted");
}

TEST_CASE("a failed rollout tells its reason and the words of what failed") {
  core::Note note;
  note.kind = core::NoteKind::rollout_failed;
  note.rollout = core::RolloutKind::upgrade;
  note.generation = core::GenerationId{4};
  note.reason = core::Reason::exec_failed;
  note.slot = 2;
  note.text = "exec ./server: No such file or directory";
  CHECK(master::subject_of(note, "web") == "web g4");
  CHECK(master::sentence_of(note) ==
        "upgrade failed: the program could not be executed: exec ./server: No such file or directory (slot 2)");
}

TEST_CASE("every kind of note has a sentence of its own level") {
  CHECK(master::level_of(core::NoteKind::rollout_failed) == core::LogLevel::error);
  CHECK(master::level_of(core::NoteKind::worker_ready) == core::LogLevel::info);
  CHECK(master::level_of(core::NoteKind::worker_died) == core::LogLevel::warn);
}

TEST_CASE("the log marks what is not info and leaves out what is below its level") {
  std::vector<std::string> lines;
  const master::Log log(core::LogLevel::info, core::LogFormat::text,
                        [&](std::string_view line) { lines.emplace_back(line); });
  log.tell(core::LogLevel::warn, "web/2 g3", "died: exit status 1");
  log.info("ready");
  log.debug("not told");
  CHECK(lines == std::vector<std::string>{"liveswap: warning: web/2 g3: died: exit status 1", "liveswap: ready"});
}

TEST_CASE("a JSON log line survives what is not UTF-8") {
  std::string line;
  const master::Log log(core::LogLevel::info, core::LogFormat::json, [&](std::string_view text) { line = text; });
  log.tell(core::LogLevel::error, "web", "caf\xe9");
  CHECK(line.find(R"("level":"error","subject":"web","message":"caf\ufffd"})") == std::string::npos);
  CHECK(line.find("\"level\":\"error\",\"subject\":\"web\",\"message\":\"caf\xef\xbf\xbd\"}") != std::string::npos);
}
