#include "ctl/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "wire/control.hpp"

namespace liveswap::ctl {

namespace {

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("/._-+@:,").find(c) != std::string_view::npos;
}

std::string shell_word(const std::string& word) {
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace

Session::Session(const Arguments& arguments, Output& output, Wanted wanted, config::Surroundings surroundings)
    : arguments_(arguments),
      output_(output),
      wanted_(std::move(wanted)),
      surroundings_(std::move(surroundings)) {}

std::string Session::place() const {
  if (wanted_.control) return "--control " + shell_word(*wanted_.control);
  if (wanted_.file) return "-c " + shell_word(*wanted_.file);
  if (wanted_.name) return "-n " + shell_word(*wanted_.name);
  return "";
}

std::expected<Client*, Failure> Session::client() {
  if (!client_) {
    auto found = find_master(wanted_, surroundings_);
    if (!found) return std::unexpected(found.error());
    client_ = std::move(*found);
  }
  return &*client_;
}

std::expected<wire::Json, int> Session::ask(std::string_view method, wire::Json parameters) {
  const auto master = client();
  if (!master) return std::unexpected(end(master.error()));
  auto reply = (*master)->ask(method, std::move(parameters), kPatience);
  if (!reply) return std::unexpected(end(failure_of(reply.error())));
  if (!reply->error.empty()) return std::unexpected(end(ending_of(*reply)));
  return std::move(reply->parameters);
}

std::expected<Client*, int> Session::ask_for_more(wire::Json parameters) {
  const auto master = client();
  if (!master) return std::unexpected(end(master.error()));
  std::string own_method = fmt::format("{}.{}", wire::control::kInterface, method());
  const auto sent =
      (*master)->send({.method = std::move(own_method), .parameters = std::move(parameters), .more = true});
  if (!sent) return std::unexpected(end(failure_of(sent.error())));
  return *master;
}

os::Result<void> Session::reconnect() {
  auto again = Client::open(client_->path());
  if (!again) return std::unexpected(again.error());
  if (again->peer_uid() != client_->peer_uid()) return os::fail_with(0, "another user listens there now");
  *client_ = std::move(*again);
  return {};
}

int Session::bad_usage(std::string text) const {
  Ending ending = ending_of(
      Failure{kStatusUsage, core::Result::bad_usage, core::Reason::bad_argument, std::move(text)});
  ending.next = fmt::format("liveswapctl {} --help", command());
  return output_.end(ending, command(), "");  // no master is needed for that
}

Failure Session::failure_of(const NoReply& none) const {
  return failure_of(none, client_ ? client_->path() : std::string());
}

Failure Session::failure_of(const NoReply& none, const std::string& path) {
  switch (none.why) {
    case NoReply::Why::interrupted:
      return {kStatusInterrupted, core::Result::failed, core::Reason::interrupted, "interrupted"};
    case NoReply::Why::late:
      return {kStatusNoMaster, core::Result::failed, core::Reason::no_master,
              fmt::format("the master at {} does not answer", path)};
    default:
      return {kStatusNoMaster, core::Result::failed, core::Reason::master_gone,
              fmt::format("the master at {} went away: {}", path, none.text)};
  }
}

}  // namespace liveswap::ctl
