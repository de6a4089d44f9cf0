#include "master/complaints.hpp"

#include <fmt/format.h>

#include <utility>

namespace liveswap::master {

namespace {

constexpr auto kEvery = std::chrono::seconds(1);

}  // namespace

void Complaints::tell(const std::string& text) {
  if (told_at_.count() != 0 && loop_.now() - told_at_ < kEvery) {
    ++kept_back_;
    return;
  }
  const std::size_t more = std::exchange(kept_back_, 0);
  told_at_ = loop_.now();
  log_.tell(core::LogLevel::warn, subject_, more == 0 ? text : fmt::format("{} (and {} more like this)", text, more));
}

}  // namespace liveswap::master
