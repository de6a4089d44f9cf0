// A call that is answered when the workers' connections have been counted. The call may be gone by then.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "master/exchange.hpp"

namespace liveswap::master {

class CountedCall final : public Pending {
 public:
  using MakeReply = std::function<wire::Json(const Operations&)>;

  // Counts for this app (0: for all), then sends what `make` makes.
  static std::unique_ptr<Pending> ask(const Exchange& exchange, core::AppId app, MakeReply make) {
    std::unique_ptr<CountedCall> call(new CountedCall(exchange, std::move(make)));
    exchange.master.count_connections(app, [raw = call.get(), alive = std::weak_ptr(call->alive_)] {
      if (!alive.expired()) raw->answer();
    });
    return call;
  }

 private:
  CountedCall(const Exchange& exchange, MakeReply make)
      : master_(exchange.master), replies_(exchange.replies), make_(std::move(make)) {}
  void answer() { replies_.send({.parameters = make_(master_)}); }

  const Operations& master_;
  Replies& replies_;
  MakeReply make_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace liveswap::master
