// What the files of the rollout share: rollout.cpp (to its success), rollback.cpp (to its failure) and
// in_place.cpp.
#pragma once

#include "core/slots.hpp"
#include "core/supervisor.hpp"

namespace liveswap::core {

// A new rollout of the app takes the place of a first start in trouble, if there is one; unshelve() brings
// that back where the rollout came to nothing.
Rollout& put_rollout(Supervisor& s, App& app, Rollout rollout);
void unshelve(Supervisor& s, App& app);

// Makes the rollout's generation, of `size` workers from its release.
void begin_generation(Supervisor& s, App& app, std::uint32_t size);
void tell_rollout_started(Supervisor& s, App& app, std::uint32_t workers);
void commit(Supervisor& s, App& app);

// In place: what can be done now towards what is wanted.
void replace_slot(Supervisor& s, App& app);

void fail_rollout(Supervisor& s, App& app, Failure failure);
void fail_start(Supervisor& s, App& app, const Failure& failure);
// It ends here and now: there is nothing to undo.
void end_rollout(Supervisor& s, App& app, Result result, const Failure& failure);
void roll_back_further(Supervisor& s, App& app);

}  // namespace liveswap::core
