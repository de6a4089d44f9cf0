// One client of the load generator: it asks, reads the whole answer, and asks again, on the same connection or on a
// new one, for ever. After a failure it waits 10 ms. It owns its socket; the loop owns it and tells it what happened.
//
//   waiting ──▶ connecting ──▶ asking (request sent, answer being read) ──▶ closing (until the server has closed)
//      ▲            ▲  └─ failed ─▶ waiting    └─ keep-alive: asking again      └─▶ connecting
//                   │                             or pausing before that
//                   └─ closed by the server, which no request notices ◀─┘
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <string>

#include "tally.hpp"

namespace hammer {

struct Target {
  sockaddr_storage address{};
  socklen_t size = 0;
  std::string request_close;
  std::string request_keep_alive;
  std::string also;  // a status that is as good as 200; "" for none
  std::chrono::milliseconds pause{0};  // between an answer and the next request on the same connection
  bool again = false;  // see broken()
};

class Client {
 public:
  Client(const Target& target, int epoll, bool keep_alive, Tally& tally)
      : target_(&target), epoll_(epoll), keep_alive_(keep_alive), tally_(&tally) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  void connect(Time now);
  void on_event(Time now);
  // Called every few milliseconds: begins again after a failure, and ends what takes too long.
  void on_tick(Time now);

 private:
  enum class State { waiting, connecting, asking, pausing, closing };

  void connected(Time now);
  void ask(Time now);
  void read(Time now);
  void read_nothing(Time now);
  void answered(Time now, const std::string& body, bool closes, bool more);
  void broken(Time now, bool reset);
  bool crossed(Time now) const;
  void fail(Time now, Failure kind);
  void begin_again(Time now);
  void close();
  void watch(unsigned events);

  const Target* target_;
  int epoll_;
  bool keep_alive_;
  Tally* tally_;
  State state_ = State::waiting;
  int fd_ = -1;
  bool watched_ = false;
  bool reused_ = false;
  Time begun_{};      // of the request, or of the wait
  std::string answer_;
  std::string last_pid_;
};

}  // namespace hammer
