// The numbers that the kernel gives the members of a SO_REUSEPORT group (os/reuseport.hpp), kept by counting along: a
// member that joins comes last; where one leaves, the last one takes its number.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace liveswap::master {

class GroupOrder {
 public:
  using Member = std::size_t;  // a name of the user's own

  void join(Member member) { members_.push_back(member); }
  void leave(Member member) {
    const auto found = std::ranges::find(members_, member);
    if (found == members_.end()) return;
    *found = members_.back();
    members_.pop_back();
  }

  [[nodiscard]] const std::vector<Member>& members() const { return members_; }  // from number 0 on
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  // None: it has not joined, or has left.
  [[nodiscard]] std::optional<std::uint32_t> number_of(Member member) const {
    const auto found = std::ranges::find(members_, member);
    if (found == members_.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - members_.begin());
  }

  // Whose number changes where that one leaves; none: nobody's.
  [[nodiscard]] std::optional<Member> moves_with(Member leaving) const {
    if (members_.empty() || members_.back() == leaving || !number_of(leaving)) return std::nullopt;
    return members_.back();
  }

 private:
  std::vector<Member> members_;
};

}  // namespace liveswap::master
