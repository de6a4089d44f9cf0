// Where the launcher stands on libc: the build for tests, and processors that start.cpp does not know.
#include "launch/launch.hpp"

int main() { return liveswap::launch::run(); }
