#include "master/tickets.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace liveswap::master {

std::size_t Tickets::Call::waiting() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(parts, [](const TicketPart& part) { return !part.outcome; }));
}

std::optional<KnownTicket> Tickets::find(const Ticket& ticket) const {
  const auto found = calls_.find(ticket);
  if (found == calls_.end()) return std::nullopt;
  return KnownTicket{found->second.call, found->second.parts.size()};
}

void Tickets::add(const Ticket& ticket, TicketCall call, std::vector<TicketPart> parts, core::Time now) {
  assert(!parts.empty());
  forget_answered(now);
  calls_.insert_or_assign(ticket, Call{.call = std::move(call), .parts = std::move(parts), .since = now});
}

// ---- clients ----

AttachmentId Tickets::attach(const Ticket& ticket, TicketHandlers handlers) {
  Call& call = calls_.at(ticket);
  ++call.attached;
  const AttachmentId id = ++last_;
  const auto answered = handlers.answered;
  attachments_.emplace(id, Attachment{ticket, std::move(handlers)});
  std::vector<core::Outcome> outcomes;
  for (const TicketPart& part : call.parts) {
    if (part.outcome) outcomes.push_back(*part.outcome);
  }
  std::size_t left = call.parts.size();
  for (const core::Outcome& outcome : outcomes) {
    --left;
    if (attachments_.contains(id) && answered) answered(outcome, left);
  }
  if (left == 0) let_go(ticket, call);
  return id;
}

// Nobody need detach from what has been answered, so that it can be forgotten at any time.
void Tickets::let_go(const Ticket& ticket, Call& call) {
  std::erase_if(attachments_, [&](const auto& entry) { return entry.second.ticket == ticket; });
  call.attached = 0;
}

void Tickets::detach(AttachmentId attachment, core::Time now) {
  const auto gone = attachments_.extract(attachment);
  if (!gone) return;
  Call& call = calls_.at(gone.mapped().ticket);
  --call.attached;
  if (call.is_left()) call.since = now;
}

// Each is looked up anew: a handler may detach any.
template <class Hear>
void Tickets::each_attached(const Ticket& ticket, Hear hear) {
  for (auto next = attachments_.begin(); next != attachments_.end();) {
    const AttachmentId id = next->first;
    if (next->second.ticket == ticket) {
      const TicketHandlers handlers = next->second.handlers;
      hear(handlers);
    }
    next = attachments_.upper_bound(id);
  }
}

void Tickets::tell(const Told& told) {
  std::vector<Ticket> concerned;
  for (const auto& [ticket, call] : calls_) {
    const bool concerns = std::ranges::any_of(call.parts, [&](const TicketPart& part) {
      return !part.outcome && (!part.app || part.app == told.note.app);
    });
    if (call.attached > 0 && concerns) concerned.push_back(ticket);
  }
  for (const Ticket& ticket : concerned) {
    each_attached(ticket, [&](const TicketHandlers& handlers) {
      if (handlers.noted) handlers.noted(told);
    });
  }
}

// ---- answers ----

void Tickets::answer(core::RequestId request, const core::Outcome& outcome, core::Time now) {
  for (auto& [ticket, call] : calls_) {
    const auto part = std::ranges::find(call.parts, request, &TicketPart::request);
    if (part != call.parts.end()) return answer_part(Ticket(ticket), call, *part, outcome, now);
  }
}

void Tickets::answer_part(const Ticket& ticket, Call& call, TicketPart& part, const core::Outcome& outcome,
                          core::Time now) {
  const bool is_news = !part.outcome;
  part.outcome = outcome;
  if (!is_news) return;
  const std::size_t left = call.waiting();
  if (left == 0) call.since = now;
  each_attached(ticket, [&](const TicketHandlers& handlers) {
    if (handlers.answered) handlers.answered(outcome, left);
  });
  if (left == 0) let_go(ticket, call);
  forget_answered(now);
}

void Tickets::forget_answered(core::Time now) {
  std::erase_if(calls_, [&](const auto& entry) {
    return entry.second.waiting() == 0 && later(entry.second.since, limits_.remembered) <= now;
  });
  const auto answered = [this] {
    return std::ranges::count_if(calls_, [](const auto& entry) { return entry.second.waiting() == 0; });
  };
  for (auto over = answered() - static_cast<std::ptrdiff_t>(limits_.answered); over > 0; --over) {
    const uid_t uid = busiest();
    auto oldest = calls_.end();
    for (auto each = calls_.begin(); each != calls_.end(); ++each) {
      if (each->first.uid != uid || each->second.waiting() > 0) continue;
      if (oldest == calls_.end() || each->second.since < oldest->second.since) oldest = each;
    }
    calls_.erase(oldest);
  }
}

// Whose answered calls are the most: it is his that are forgotten, so that nobody makes others' be.
uid_t Tickets::busiest() const {
  std::map<uid_t, std::size_t> counts;
  for (const auto& [ticket, call] : calls_) {
    if (call.waiting() == 0) ++counts[ticket.uid];
  }
  return std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; })->first;
}

// ---- those that wait for nobody ----

std::vector<const Tickets::Call*> Tickets::left_oldest_first() const {
  std::vector<const Call*> left;
  for (const auto& [ticket, call] : calls_) {
    if (call.is_left()) left.push_back(&call);
  }
  std::ranges::stable_sort(left, {}, &Call::since);
  return left;
}

core::Time Tickets::next_deadline() const {
  const auto left = left_oldest_first();
  if (left.empty()) return core::kNever;
  return left.size() > limits_.left ? left.front()->since : later(left.front()->since, limits_.grace);
}

std::vector<TicketPart> Tickets::left_too_long(core::Time now) const {
  std::vector<TicketPart> parts;
  const auto left = left_oldest_first();
  for (std::size_t i = 0; i < left.size(); ++i) {
    const bool too_many = left.size() - i > limits_.left;
    if (!too_many && later(left[i]->since, limits_.grace) > now) break;
    std::ranges::copy_if(left[i]->parts, std::back_inserter(parts),
                         [](const TicketPart& part) { return !part.outcome; });
  }
  return parts;
}

// ---- the next master ----

std::vector<TicketState> Tickets::save() const {
  std::vector<TicketState> saved;
  for (const auto& [ticket, call] : calls_) saved.push_back({ticket.uid, ticket.text, call.call, call.parts});
  return saved;
}

void Tickets::restore(std::vector<TicketState> tickets, core::Time now) {
  attachments_.clear();
  calls_.clear();
  for (TicketState& each : tickets) {
    if (each.parts.empty()) continue;
    calls_.insert_or_assign(Ticket{each.uid, std::move(each.text)},
                            Call{.call = std::move(each.call), .parts = std::move(each.parts), .since = now});
  }
}

}  // namespace liveswap::master
