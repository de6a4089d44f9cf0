#include "ctl/connections_text.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "ctl/reply_fields.hpp"
#include "ctl/table.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;

// "web/0 g8"
std::string worker_name(const Json& row) {
  return fmt::format("{}/{} g{}", harmless(text_in(row, "app")), number_in(row, "slot").value_or(0),
                     number_in(row, "generation").value_or(0));
}

// "812", "13K", "4.2M"
std::string bytes_text(std::optional<std::int64_t> bytes) {
  constexpr std::array<char, 4> kUnits{'K', 'M', 'G', 'T'};
  constexpr double kStep = 1024;
  if (!bytes || *bytes < 0) return "-";
  if (*bytes < 1024) return std::to_string(*bytes);
  double amount = static_cast<double>(*bytes) / kStep;
  std::size_t unit = 0;
  for (; amount >= kStep && unit + 1 < kUnits.size(); ++unit) amount /= kStep;
  return amount < 10 ? fmt::format("{:.1f}{}", amount, kUnits[unit]) : fmt::format("{:.0f}{}", amount, kUnits[unit]);
}

std::string peer_text(const Json& row) {
  if (const std::string peer = text_in(row, "peer"); !peer.empty()) return harmless(peer);
  const auto pid = number_in(row, "peer_pid");
  return pid ? fmt::format("PID {}", *pid) : "-";
}

std::string idle_text(const Json& row) {
  const auto idle = number_in(row, "idle_ms");
  if (!idle) return "-";
  const WallTime now{};
  return age(now - std::chrono::milliseconds(*idle), now);
}

std::string or_dash(std::string text) { return text.empty() ? "-" : text; }

}  // namespace

std::string connection_count(std::int64_t count) {
  return fmt::format("{} connection{}", count, count == 1 ? "" : "s");
}

std::string age_since(const Json& object, std::string_view since, std::string_view exact, WallTime now) {
  const auto at = parse_time(text_in(object, since));
  if (!at) return "";
  return (flag_in(object, exact) ? "" : ">") + age(*at, now);
}

std::string connections_text(const Json& reply, const Page& page) {
  Table table;
  table.add({"WORKER", "PID", "PEER", "AGE", "IDLE", "IN", "OUT", "STATE"});
  for (const Json& row : list_in(reply, "connections")) {
    table.add({worker_name(row), std::to_string(number_in(row, "pid").value_or(0)), peer_text(row),
               or_dash(age_since(row, "since", "since_exact", page.now)), idle_text(row),
               bytes_text(number_in(row, "bytes_in")), bytes_text(number_in(row, "bytes_out")),
               harmless(text_in(row, "state"))});
  }
  std::string out = table.rows() > 1 ? table.text() : "no open connections\n";
  if (const auto left_out = number_in(reply, "left_out").value_or(0); left_out > 0) {
    out += fmt::format("and {} younger {}\n", left_out, left_out == 1 ? "one" : "ones");
  }
  for (const Json& row : list_in(reply, "unknown")) {
    out += fmt::format("{}: {}: {}\n", worker_name(row), page.style.bad("unknown"), harmless(text_in(row, "why")));
  }
  return out;
}

}  // namespace liveswap::ctl
