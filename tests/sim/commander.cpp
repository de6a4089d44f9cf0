#include "commander.hpp"

#include <utility>
#include <vector>

namespace sim {

Commander::Commander(const Swarm& swarm, Agenda& agenda, Random random, Post post)
    : swarm_(swarm), agenda_(agenda), random_(random), post_(std::move(post)) {}

void Commander::begin(Time now) {
  now_ = now;
  next_command();
}

void Commander::next_command() {
  agenda_.at(now_ + random_.between(1ms, swarm_.command_gap), [this] {
    if (stopped_) return;
    command();
    next_command();
  });
}

RequestId Commander::request() {
  const RequestId id{++last_request_};
  outstanding_.insert(id);
  if (swarm_.faults.clients_go && random_.chance(20)) {
    agenda_.at(now_ + random_.between(0ms, 20s), [this, id] {
      if (outstanding_.erase(id) > 0) post_(RequestGone{id});
    });
  }
  return id;
}

void Commander::command() {
  const Commands& may = swarm_.commands;
  const AppId app{random_.between(1, swarm_.apps)};
  std::vector<std::function<Event()>> choices;
  if (may.upgrade) {
    choices.emplace_back([this] { return upgrade(); });
    choices.emplace_back([this] { return upgrade(); });
  }
  if (may.restart) choices.emplace_back([this] { return restart(); });
  if (may.scale) choices.emplace_back([this] { return scale(); });
  if (may.stop) choices.emplace_back([this] { return stop_or_start(); });
  if (may.drain) choices.emplace_back([this] { return drain(); });
  if (may.abort) choices.emplace_back([this, app] { return AbortAsked{request(), app}; });
  if (may.wait) choices.emplace_back([this, app] { return WaitAsked{request(), app, level(), timeout()}; });
  if (swarm_.shutdown_amid && random_.chance(5)) return shut_down(random_.chance(30));
  if (!choices.empty()) post_(random_.pick(choices)());
}

void Commander::shut_down(bool now) {
  ShutdownAsked asked{.request = std::nullopt, .now = now};
  if (random_.chance(50)) asked.request = request();
  post_(asked);
}

WaitLevel Commander::level() {
  return random_.pick(
      std::vector{WaitLevel::none, WaitLevel::ready, WaitLevel::committed, WaitLevel::drained});
}

Duration Commander::timeout() { return random_.chance(70) ? kForever : random_.between(0ms, 30s); }

Event Commander::upgrade() {
  const AppId app{random_.between(1, swarm_.apps)};
  const RequestId id = request();
  return UpgradeAsked{id, app, level(), timeout(), random_.chance(20), random_.chance(30)};
}

Event Commander::restart() {
  RestartAsked asked{.request = request(), .app = AppId{random_.between(1, swarm_.apps)}};
  if (random_.chance(50)) asked.slot = random_.between(0, swarm_.workers_max);
  asked.now = random_.chance(30);
  asked.wait = level();
  asked.timeout = timeout();
  return asked;
}

Event Commander::scale() {
  ScaleAsked asked{.request = request(), .app = AppId{random_.between(1, swarm_.apps)}};
  using How = ScaleAsked::How;
  asked.how = random_.pick(std::vector{How::absolute, How::relative, How::reset});
  asked.count = asked.how == How::relative ? static_cast<int>(random_.between(0, 6)) - 3
                                           : static_cast<int>(random_.between(0, swarm_.workers_max + 2));
  if (random_.chance(2)) asked.count = 5000;
  asked.wait = level();
  asked.timeout = timeout();
  return asked;
}

Event Commander::stop_or_start() {
  const AppId app{random_.between(1, swarm_.apps)};
  const RequestId id = request();
  if (random_.chance(15)) return AdoptAsked{id, app, timeout()};
  if (random_.chance(65)) return StartAsked{id, app, timeout()};
  return StopAsked{id, app, random_.chance(30), timeout()};
}

Event Commander::drain() {
  DrainAsked asked{.request = request(), .app = AppId{random_.between(1, swarm_.apps)}};
  if (random_.chance(50)) asked.generation = GenerationId{random_.between(1, 8)};
  if (random_.chance(60)) asked.extend = random_.between(0s, 20s);
  return asked;
}

}  // namespace sim
