// Getting back to a master whose connection was lost: it may have died, and the next one take over at the same socket.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string_view>

#include "ctl/client.hpp"
#include "ctl/session.hpp"

namespace liveswap::ctl {

// Without a time limit of the user's own, so long is waited for a master.
inline constexpr auto kAwayMost = std::chrono::seconds(30);

inline constexpr std::string_view kAwayEvent = "master_away";
inline constexpr std::string_view kAwayText = "the master went away; waiting for it to come back";

class ReturnToMaster {
 public:
  using Clock = Client::Clock;

  // `until`: the user wants to wait no longer.
  ReturnToMaster(Session& session, std::optional<Clock::time_point> until) : session_(session), until_(until) {}

  // The connection has ended. True: only now, and not while the master was away already.
  [[nodiscard]] bool lost(const NoReply& none);
  // Tries again and again, ever more slowly. The error is an interruption, or that the time is over or the master has
  // ended in good order, with how the connection was lost.
  [[nodiscard]] std::expected<void, NoReply> come_back();
  // The master has said something.
  void is_back();

  [[nodiscard]] bool is_away() const { return since_.has_value(); }
  // How long it has been away.
  [[nodiscard]] Clock::duration away() const { return since_ ? Clock::now() - *since_ : Clock::duration{}; }

 private:
  [[nodiscard]] Clock::time_point deadline() const;
  void look_for_file(const os::Result<void>& connected);

  Session& session_;
  std::optional<Clock::time_point> until_;
  std::optional<Clock::time_point> since_;
  std::optional<Clock::time_point> removed_;  // its socket's file has been, since then at least
  NoReply how_;
  Clock::duration wait_{};
};

}  // namespace liveswap::ctl
