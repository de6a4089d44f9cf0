// How programs that bind by themselves are seen to do so: what `bind_by: auto` comes to here.
#pragma once

#include <string>

#include "core/plan.hpp"

namespace liveswap::master {

struct BindWay {
  core::BindBy by = core::BindBy::seccomp;  // or preload
  std::string why;                          // preload, though `auto` would rather have seccomp: what is in its way
};

[[nodiscard]] BindWay bind_way(core::BindBy wanted);

// Why seccomp cannot be used; "" where it can. Found out once, by trying: what is around this process stays.
[[nodiscard]] const std::string& seccomp_problem();

}  // namespace liveswap::master
