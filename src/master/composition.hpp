// A master's parts, made ready one after the other: for main(), and for a program that embeds a master.
#pragma once

#include <expected>
#include <string>

#include "config/facts.hpp"
#include "core/plan.hpp"
#include "liveswap/master.hpp"
#include "master/master.hpp"

namespace liveswap::master {

// What may be done to the process, and where its launcher is; `launcher` as in MasterOptions.
struct Host {
  ProcessRights rights;
  std::string launcher;
  std::optional<Greeting> guardian{};  // for these three see Master::Parts
  std::optional<GuardianPrograms> guardian_programs{};
  bool guardian_notifies = false;
  bool in_place = false;  // of another binary: launcher and guardian are to be its own, not those of the one before
  std::optional<SavedState> left{};
};

// `take_line` and `ended` of the parts are the caller's to fill in. The error is one sentence.
[[nodiscard]] std::expected<Master::Parts, std::string> make_parts(core::MasterPlan plan, config::Facts facts,
                                                                   Host host);

}  // namespace liveswap::master
