// For fuzz targets: what must hold of every input.
#pragma once

#include <cstdio>
#include <cstdlib>

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::printf("# does not hold: %s\n", what);
  std::fflush(stdout);
  std::abort();
}
