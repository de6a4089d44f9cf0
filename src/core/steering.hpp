// Which workers of an app with steered listeners get new connections, and how the shell is kept told.
//
// Asked anew once a step, from what the step left: those that are ready of the generation that serves; with them those
// of a rollout's new generation where old workers have begun to make room for it; the new generation's alone once all
// of it is ready. Where none is ready, those that start, in whose queues clients wait the shortest.
//
// A worker that leaves is starved only when nothing new can reach it any more by the shell's word: else clients would
// come to a queue that nobody accepts from.
#pragma once

#include <deque>
#include <set>
#include <string>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace liveswap::core {

struct App;
struct Supervisor;

struct Steering {
  std::set<WorkerId> in_force{};                // by the shell's word
  std::deque<std::set<WorkerId>> unanswered{};  // what each Steer action asked for, the oldest first
  Time not_before{};                            // the last one failed: nothing is asked for until then
  bool unsure = false;                          // some of these, by the word of a master that has gone
};

// Once a step, after the rollout has been advanced.
void steer(Supervisor& s, App& app);
// Whether new connections go to the rollout's generation only, by the shell's word; also where it has no steered
// listener.
bool is_steered_to_rollout(const App& app);

// The shell's answers.
void steered(App& app);
void steer_failed(Supervisor& s, App& app, const std::string& text);

}  // namespace liveswap::core
