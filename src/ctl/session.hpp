// One command being run: its arguments, the master that it talks to, where it prints. What every command
// needs.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "ctl/arguments.hpp"
#include "ctl/client.hpp"
#include "ctl/find_master.hpp"
#include "ctl/output.hpp"

namespace liveswap::ctl {

inline constexpr std::string_view kVersion = LIVESWAP_VERSION;
// A master that is alive answers in milliseconds; this is for one that is stopped or stuck.
inline constexpr auto kPatience = std::chrono::seconds(10);

class Session {
 public:
  Session(const Arguments& arguments, Output& output, Wanted wanted, config::Surroundings surroundings);

  [[nodiscard]] const Arguments& arguments() const { return arguments_; }
  [[nodiscard]] Output& output() const { return output_; }
  [[nodiscard]] const Wanted& wanted() const { return wanted_; }
  [[nodiscard]] const config::Surroundings& surroundings() const { return surroundings_; }
  [[nodiscard]] std::string_view command() const { return arguments_.command->name; }
  [[nodiscard]] std::string_view method() const { return arguments_.command->method; }
  // What the user typed to name the master, to be typed again: "-n web".
  [[nodiscard]] std::string place() const;

  // The master; found when first asked for.
  [[nodiscard]] std::expected<Client*, Failure> client();
  // A reply without error to a method of the control interface. The error has been printed; it is the exit
  // status.
  [[nodiscard]] std::expected<wire::Json, int> ask(std::string_view method, wire::Json parameters);

  // Sends the command's own call, whose replies are then got from the client. The error has been printed; it is the
  // exit status.
  [[nodiscard]] std::expected<Client*, int> ask_for_more(wire::Json parameters);

  // The same master's socket again, after the connection has ended: whoever listens there is of the same user.
  [[nodiscard]] os::Result<void> reconnect();

  int end(const Ending& ending) const { return output_.end(ending, command(), place()); }
  int end(const Failure& failure) const { return end(ending_of(failure)); }
  int bad_usage(std::string text) const;
  [[nodiscard]] Failure failure_of(const NoReply& none) const;  // of the master that was found
  [[nodiscard]] static Failure failure_of(const NoReply& none, const std::string& path);

 private:
  const Arguments& arguments_;
  Output& output_;
  Wanted wanted_;
  config::Surroundings surroundings_;
  std::optional<Client> client_;
};

}  // namespace liveswap::ctl
