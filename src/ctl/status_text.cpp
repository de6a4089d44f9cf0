#include "ctl/status_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "ctl/connections_text.hpp"
#include "ctl/ending.hpp"
#include "ctl/reply_fields.hpp"
#include "ctl/table.hpp"

namespace liveswap::ctl {

namespace {

using wire::Json;

// A text of the master's, which may be a stranger's, fit to be shown.
std::string shown_in(const Json& object, std::string_view name) { return harmless(text_in(object, name)); }

std::string age_in(const Json& object, std::string_view name, const Page& page) {
  const auto since = parse_time(shown_in(object, name));
  return since ? age(*since, page.now) : "";
}

// "r8 1.4.2"
std::string release_text(std::int64_t release, const std::string& label) {
  return fmt::format("r{}", release) + (label.empty() ? "" : " " + label);
}

std::string strength_text(const Json& app, const Style& style) {
  const auto ready = number_in(app, "workers_ready").value_or(0);
  const auto wanted = number_in(app, "workers_wanted").value_or(0);
  const std::string text = fmt::format("{}/{} ready", ready, wanted);
  return ready >= wanted ? style.good(text) : style.bad(text);
}

std::string state_text(const Json& app, const Style& style) {
  const std::string state = shown_in(app, "state");
  std::string out;
  if (state == "failed") out = style.bad("failed") + ", ";
  if (state == "stopped") return style.busy("stopped");
  if (state == "starting" || state == "stopping") out = style.busy(state) + ", ";
  return out + strength_text(app, style);
}

// A release or a generation of a rollout: 0 until it has been made.
std::optional<std::int64_t> known_in(const Json& rollout, std::string_view name) {
  const auto number = number_in(rollout, name);
  return number == 0 ? std::nullopt : number;
}

std::string rollout_text(const Json& rollout, const Page& page) {
  const bool back = shown_in(rollout, "phase") == "rolling_back";
  std::string out = shown_in(rollout, "kind") + (back ? " is rolled back" : " under way");
  if (known_in(rollout, "generation")) {
    out += fmt::format(": {}/{} ready", number_in(rollout, "ready").value_or(0),
                       number_in(rollout, "wanted").value_or(0));
  }
  const std::string since = age_in(rollout, "since", page);
  return page.style.busy(out) + (since.empty() ? "" : ", since " + since);
}

// More than any machine has, and few enough to be added up.
constexpr std::int64_t kConnectionsMax = 1'000'000'000;

// All connections that the workers of a generation have open; nothing where one of them is unknown.
std::optional<std::int64_t> connections_of(const Json& app, std::int64_t generation) {
  std::int64_t sum = 0;
  for (const Json& worker : list_in(app, "workers")) {
    if (number_in(worker, "generation") != generation) continue;
    const auto open = number_in(worker, "connections");
    if (!open || *open < 0 || *open > kConnectionsMax) return std::nullopt;
    sum += *open;
  }
  return sum;
}

// ", oldest 41m": of all connections of a generation's workers.
std::string oldest_of(const Json& app, std::int64_t generation, const Page& page) {
  const Json* oldest = nullptr;
  for (const Json& worker : list_in(app, "workers")) {
    const std::string since = text_in(worker, "oldest");  // these times compare as texts do
    if (number_in(worker, "generation") != generation || since.empty()) continue;
    if (oldest == nullptr || since < text_in(*oldest, "oldest")) oldest = &worker;
  }
  const std::string age = oldest == nullptr ? "" : age_since(*oldest, "oldest", "oldest_exact", page.now);
  return age.empty() ? "" : ", oldest " + age;
}

std::string draining_text(const Json& app, const Json& generation, const Page& page) {
  const auto workers = number_in(generation, "workers").value_or(0);
  const auto number = number_in(generation, "generation").value_or(0);
  const auto open = connections_of(app, number);
  std::string out = page.style.busy("draining") + ": ";
  out += open ? connection_count(*open) + oldest_of(app, number, page)
              : fmt::format("{} worker{}, connections unknown", workers, workers == 1 ? "" : "s");
  if (const auto cut = parse_time(shown_in(generation, "cut_at"))) out += ", cut at " + clock(*cut, page.now);
  return out;
}

std::string worker_text(const Json& worker, const Page& page) {
  std::string state = shown_in(worker, "state");
  if (flag_in(worker, "gave_up")) {
    state = page.style.bad("died too often, not started again");
  } else {
    state = state == "ready" ? page.style.good(state) : page.style.busy(state);
  }
  std::string out = fmt::format("slot {} g{}: {}", number_in(worker, "slot").value_or(0),
                                number_in(worker, "generation").value_or(0), state);
  if (const std::string since = age_in(worker, "since", page); !since.empty()) out += " " + since;
  if (const auto pid = number_in(worker, "pid")) out += fmt::format(", PID {}", *pid);
  if (const auto open = number_in(worker, "connections")) out += ", " + connection_count(*open);
  if (const std::string oldest = age_since(worker, "oldest", "oldest_exact", page.now); !oldest.empty()) {
    out += ", oldest " + oldest;
  }
  if (const auto restarts = number_in(worker, "restarts").value_or(0); restarts > 0) {
    out += fmt::format(", restarts {}", restarts);
  }
  if (const std::string status = shown_in(worker, "status"); !status.empty()) out += ": " + harmless(status);
  return out;
}

// The generation that serves, as it stands in the list of those that live.
const Json& serving_generation(const Json& app) {
  static const Json none = Json::object();
  const Json& all = list_in(app, "generations");
  const auto found = std::ranges::find_if(all, [&](const Json& generation) {
    return number_in(generation, "generation") == number_in(app, "generation");
  });
  return number_in(app, "generation") && found != all.end() ? *found : none;
}

class StatusPage {
 public:
  StatusPage(const Page& page, std::size_t name_width) : page_(page), name_width_(name_width) {}

  void add_app(const Json& app, bool workers, bool several) {
    const auto generation = number_in(app, "generation");
    add_row(shown_in(app, "name"), generation ? number_in(app, "release") : std::nullopt,
            shown_in(app, "label"), generation, state_text(app, page_.style),
            age_in(serving_generation(app), "since", page_));
    if (const Json& rollout = object_in(app, "rollout"); !rollout.empty()) {
      add_row("", known_in(rollout, "release"), "", known_in(rollout, "generation"),
              rollout_text(rollout, page_), "");
    }
    if (const std::string what = shown_in(app, "waiting_for"); !what.empty())
      add_note("waits for " + harmless(what));
    if (const std::string by = shown_in(app, "bind_by"); !by.empty()) add_note("is seen to bind by " + harmless(by));
    for (const Json& override : list_in(app, "overrides")) {
      if (override.is_string()) add_note("not from the file: " + harmless(override.get<std::string>()));
    }
    for (const Json& each : list_in(app, "generations")) {
      if (flag_in(each, "draining")) add_draining(app, each, several);
    }
    for (const Json& worker : list_in(app, "workers")) {
      const std::string state = shown_in(worker, "state");
      const bool odd = state == "backoff" || flag_in(worker, "gave_up");
      if (workers || odd) add_note(worker_text(worker, page_));
    }
  }

  void add_paused(const Json& listener) {
    const std::string name = shown_in(listener, "name");
    const std::string_view how = flag_in(listener, "open") ? "new clients wait" : "closed until its app is started";
    const std::string line = fmt::format("listener {} is {}: {}", name, page_.style.busy("paused"), how);
    text += cut_to(line, page_.columns) + "\n";
  }

  std::string text;

 private:
  void add_row(const std::string& name, std::optional<std::int64_t> release, const std::string& label,
               std::optional<std::int64_t> generation, const std::string& state, const std::string& since) {
    text += cut_to(row(name, release, label, generation, state, since), page_.columns) + "\n";
  }

  [[nodiscard]] std::string row(const std::string& name, std::optional<std::int64_t> release, const std::string& label,
                                std::optional<std::int64_t> generation, const std::string& state,
                                const std::string& since) const {
    std::string line = padded(name, name_width_ + 2);
    line += padded(release ? release_text(*release, harmless(label)) : "-", 12) + "  ";
    line += padded(generation ? fmt::format("g{}", *generation) : "-", 5) + "  " + state;
    if (!since.empty()) line = padded(std::move(line), 71) + "  " + since;
    return line;
  }

  void add_note(const std::string& note) {
    text += cut_to(std::string(name_width_ + 2, ' ') + note, page_.columns) + "\n";
  }

  void add_draining(const Json& app, const Json& generation, bool several) {
    const auto number = number_in(generation, "generation").value_or(0);
    const std::string line =
        row("", number_in(generation, "release"), "", number, draining_text(app, generation, page_), "");
    const std::string name = several ? shown_in(app, "name") + " " : "";
    const std::string command = page_.style.faint(
        placed(fmt::format("liveswapctl drain {}g{} --now | --extend 10m", name, number), page_.place));
    const std::string both = line + "     " + command;
    if (width_of(both) <= page_.columns) {
      text += both + "\n";
      return;
    }
    text += cut_to(line, page_.columns) + "\n";
    add_note(command);
  }

  const Page& page_;
  std::size_t name_width_;
};

// As it would stand in the file: "tcp://127.0.0.1:8080", "unix:/run/x.sock".
std::string listed_address(const Json& row) {
  const std::string kind = shown_in(row, "kind");
  return kind + (kind == "tcp" || kind == "udp" ? "://" : ":") + harmless(text_in(row, "address"));
}

}  // namespace

std::string status_text(const Json& status, bool workers, const Page& page) {
  const Json& apps = list_in(status, "apps");
  std::size_t width = 4;
  for (const Json& app : apps) width = std::max(width, shown_in(app, "name").size());
  StatusPage out(page, width);
  for (const Json& app : apps) out.add_app(app, workers, apps.size() > 1);
  for (const Json& row : list_in(status, "listeners")) {
    if (flag_in(row, "paused") && number_in(row, "index").value_or(0) == 0) out.add_paused(row);
  }
  const Json& master = object_in(status, "master");
  if (flag_in(master, "binary_changed")) {
    out.text += fmt::format("another liveswap is at {} now: liveswapctl{} reexec\n", shown_in(master, "binary"),
                            page.place.empty() ? "" : " " + page.place);
  }
  return out.text;
}

namespace {

std::string queue_text(const Json& row) {
  const auto waiting = number_in(row, "queue");
  if (!waiting) return "-";
  const auto backlog = number_in(row, "backlog");
  return backlog ? fmt::format("{} of {}", *waiting, *backlog) : std::to_string(*waiting);
}

// A side that nobody has and where nobody waits is of no interest.
void add_sides(Table& table, const Json& row) {
  for (const Json& side : list_in(row, "sides")) {
    const auto workers = number_in(side, "workers").value_or(0);
    const bool chosen = flag_in(side, "chosen");
    if (workers == 0 && !chosen && number_in(side, "queue").value_or(0) == 0) continue;
    table.add({fmt::format("  g{}", number_in(side, "generation").value_or(0)),
               fmt::format("{} worker{}", workers, workers == 1 ? "" : "s"), queue_text(side), "",
               chosen ? "gets new connections" : "gets none"});
  }
}

}  // namespace

std::string listeners_text(const Json& reply) {
  Table table;
  table.add({"NAME", "ADDRESS", "QUEUE", "APPS", ""});
  for (const Json& row : list_in(reply, "listeners")) {
    const std::string queue = queue_text(row);
    std::string apps;
    for (const Json& app : list_in(row, "apps")) {
      if (app.is_string()) apps += (apps.empty() ? "" : ", ") + harmless(app.get<std::string>());
    }
    std::string state = flag_in(row, "open") ? "" : "closed";
    if (flag_in(row, "paused")) state += state.empty() ? "paused" : ", paused";
    if (const auto dropped = number_in(row, "dropped").value_or(0); dropped > 0) {
      state += fmt::format("{}{} dropped", state.empty() ? "" : ", ", dropped);
    }
    table.add({shown_in(row, "name"), listed_address(row), queue, apps, state});
    add_sides(table, row);
  }
  return table.text();
}

std::string history_text(const Json& reply, const Page& page) {
  std::string out;
  const Json& apps = list_in(reply, "apps");
  for (const Json& app : apps) {
    if (apps.size() > 1) out += shown_in(app, "name") + "\n";
    Table table;
    for (const Json& rollout : list_in(app, "rollouts")) {
      const auto begun = parse_time(shown_in(rollout, "begun"));
      const auto ended = parse_time(shown_in(rollout, "ended"));
      std::string result = shown_in(rollout, "result");
      std::ranges::replace(result, '_', ' ');
      std::string why = shown_in(rollout, "reason");
      if (const std::string text = shown_in(rollout, "text"); !text.empty()) why += ": " + harmless(text);
      table.add({begun ? date_and_clock(*begun) : "",
                 release_text(number_in(rollout, "release").value_or(0), harmless(text_in(rollout, "label"))),
                 fmt::format("g{}", number_in(rollout, "generation").value_or(0)), shown_in(rollout, "kind"),
                 result == "done" ? page.style.good(result) : page.style.bad(result),
                 begun && ended ? took(*begun, *ended) : "", why});
    }
    out += table.text();
  }
  return out;
}

std::string masters_text(const std::vector<Json>& masters, const Page& page) {
  Table table;
  table.add({"NAME", "PID", "SINCE", "VERSION", "APPS"});
  std::string silent;
  for (const Json& master : masters) {
    std::string apps;
    for (const Json& app : list_in(master, "apps")) {
      const auto ready = number_in(app, "workers_ready").value_or(0);
      const auto wanted = number_in(app, "workers_wanted").value_or(0);
      apps += fmt::format("{}{} {} {}/{}", apps.empty() ? "" : ", ", shown_in(app, "name"),
                          shown_in(app, "state"), ready, wanted);
    }
    const Json& process = object_in(master, "master");
    const auto pid = number_in(process, "pid");
    if (shown_in(master, "error").empty()) {
      table.add({shown_in(master, "name"), pid ? std::to_string(*pid) : "-", age_in(process, "since", page),
                 shown_in(master, "version"), apps});
    } else {
      const bool denied = shown_in(master, "reason") == "denied";
      const std::string why = denied ? "permission denied" : shown_in(master, "error");
      silent += fmt::format("{}: {}: {}\n", shown_in(master, "control"), page.style.bad("not listed"), why);
    }
  }
  return (silent.empty() || table.rows() > 1 ? table.text() : "") + silent;
}

std::string event_text(const Json& event, const Style& style) {
  const auto at = parse_time(shown_in(event, "time"));
  std::string message = harmless(text_in(event, "message"));
  const std::string level = shown_in(event, "level");
  if (level == "error") message = style.bad(message);
  if (level == "warn") message = style.busy(message);
  return (at ? date_and_clock(*at) + " " : "") + message;
}

std::string line_text(const Json& line, bool for_terminal) {
  const std::string text = text_in(line, "text");
  const std::string app = shown_in(line, "app");
  if (app.empty()) return for_terminal ? harmless(text) : text;  // the master's own begins with its name
  const auto generation = number_in(line, "generation").value_or(0);
  const std::string label =
      generation == 0 ? app + " hook" : fmt::format("{}/{} g{}", app, number_in(line, "slot").value_or(0), generation);
  return label + " | " + (for_terminal ? harmless(text) : text);
}

}  // namespace liveswap::ctl
