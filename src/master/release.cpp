#include "master/release.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <memory>

#include "config/circus.hpp"
#include "config/decode_command.hpp"
#include "config/env_file.hpp"
#include "config/environment.hpp"
#include "config/paths.hpp"
#include "config/target_kind.hpp"
#include "config/text_file.hpp"
#include "master/bind_way.hpp"
#include "os/file.hpp"
#include "os/users.hpp"

namespace liveswap::master {
namespace {

constexpr std::size_t kEnvFileMax = std::size_t{1} << 20;

using Step = std::expected<void, std::string>;

std::unexpected<std::string> failure(std::string_view key, std::string_view object, int error) {
  return std::unexpected(fmt::format("{} {}: {}", key, object, os::errno_text(error)));
}

std::expected<std::string, int> resolve(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  if (!resolved) return std::unexpected(errno);
  return std::string(resolved.get());
}

std::string join(std::span<const std::string> words) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

constexpr std::string_view kPreUpgradeRunner =
#include "pre_upgrade_runner.js.inc"
    ;

// Makes one release, step by step; each step fills in a part and may use what the ones before it have filled in.
class Maker {
 public:
  explicit Maker(const ReleaseRequest& request) : request_(request) {}

  std::expected<std::shared_ptr<const Release>, std::string> make() {
    if (auto done = take({&Maker::begin, &Maker::pin_target, &Maker::list_sockets, &Maker::find_identity,
                          &Maker::make_environment, &Maker::pin_directory, &Maker::expand_command});
        !done) {
      return std::unexpected(std::move(done.error()));
    }
    release_->digest = digest_of(*release_);
    return release_;
  }

  std::expected<std::shared_ptr<const Release>, std::string> make_for_hook() {
    if (auto done = take({&Maker::begin, &Maker::look_for_target, &Maker::list_sockets, &Maker::find_identity,
                          &Maker::make_environment, &Maker::pin_directory, &Maker::expand_hook});
        !done) {
      return std::unexpected(std::move(done.error()));
    }
    return release_;
  }

 private:
  using Method = Step (Maker::*)();
  Step take(std::initializer_list<Method> steps) {
    for (const auto step : steps) {
      if (auto done = (this->*step)(); !done) {
        return std::unexpected(request_.plan.name + ": " + std::move(done.error()));
      }
    }
    return {};
  }

  Step look_for_target();
  Step expand_hook();
  Step begin();
  Step pin_target();
  Step run_target(const std::string& path);
  Step list_sockets();
  Step make_environment();
  Step pin_directory();
  Step expand_command();
  Step find_identity();
  std::expected<std::vector<config::EnvValue>, std::string> expand_words(std::string_view key,
                                                                         std::span<const std::string> words);

  const ReleaseRequest& request_;
  std::shared_ptr<Release> release_ = std::make_shared<Release>();
  config::Values values_;
  std::optional<config::Login> login_;  // of `user:`
};

Step Maker::begin() {
  const ReleaseOverrides& overrides = request_.overrides;
  release_->app = request_.app;
  release_->id = request_.id;
  release_->label = overrides.label;
  release_->plan = request_.plan;
  release_->protocol = protocols::make_protocol(request_.plan.protocol);
  if (overrides.target) {
    release_->plan.target = overrides.target;
    release_->overrides.push_back("--target " + *overrides.target);
  }
  for (const auto& [name, value] : overrides.env) release_->overrides.push_back("--env " + name + "=" + value);
  if (!overrides.command.empty()) {
    release_->plan.command.clear();
    for (const std::string& word : overrides.command) release_->plan.command.push_back(config::with_dollars(word));
    release_->overrides.push_back("-- " + join(overrides.command));
  }
  for (const core::Limit& limit : release_->plan.limits) {
    release_->limits.push_back({static_cast<std::uint32_t>(limit.resource), limit.soft, limit.hard});
  }
  values_.release = request_.id.value;
  return {};
}

Step Maker::pin_target() {
  const bool runs_target = release_->plan.command.empty();
  if (!release_->plan.target) {
    if (runs_target) return std::unexpected("command: there is nothing to run: neither a command nor a target");
    return {};
  }
  const std::string& path = *release_->plan.target;
  auto resolved = resolve(path);
  if (!resolved) return failure("target", path, resolved.error());
  release_->target = std::move(*resolved);
  values_.target = release_->target;
  return runs_target ? run_target(path) : Step{};
}

// The hook may be what makes it.
Step Maker::look_for_target() {
  if (!release_->plan.target) return {};
  release_->target = resolve(*release_->plan.target).value_or(*release_->plan.target);
  values_.target = release_->target;
  return {};
}

// A Node.js module is called by a program of ours, by the node that the app itself runs by, else that of its PATH.
Step Maker::expand_hook() {
  auto words = expand_words("hooks.pre_upgrade", release_->plan.hooks.pre_upgrade);
  if (!words) return std::unexpected(std::move(words.error()));
  release_->worker_variables.clear();
  if (!config::is_node_module(words->front().text)) {
    release_->command = std::move(*words);
    return {};
  }
  const std::vector<std::string>& command = release_->plan.command;
  auto program = expand_words("command", std::span(command).first(std::min<std::size_t>(command.size(), 1)));
  const bool is_node = program && !program->empty() && config::is_called_node(program->front().text);
  release_->command = {is_node ? program->front() : config::EnvValue{"node", false},
                       config::EnvValue{"-e", false}, config::EnvValue{std::string(kPreUpgradeRunner), false},
                       config::EnvValue{"--", false}};
  std::ranges::move(*words, std::back_inserter(release_->command));
  return {};
}

// What is executed is the file behind all symlinks; its argv[0] keeps the name by which it was called, as programs go
// by that name, but in the folder where it is found now.
Step Maker::run_target(const std::string& path) {
  struct stat info {};
  if (::stat(release_->target->c_str(), &info) == -1) return failure("target", path, errno);
  if (S_ISDIR(info.st_mode)) {
    return std::unexpected(fmt::format("target {}: {}; a directory needs a command", path, os::errno_text(EISDIR)));
  }
  if (!S_ISREG(info.st_mode)) return std::unexpected(fmt::format("target {}: not a regular file", path));
  const bool executable = ::faccessat(AT_FDCWD, release_->target->c_str(), X_OK, AT_EACCESS) == 0;
  const auto head = config::read_file_head(*release_->target, config::kHeadMax);
  const auto kind = config::kind_of_target(path, executable, head ? *head : std::string());
  if (!kind) return std::unexpected(fmt::format("target {}: {}", path, config::no_kind()));
  const core::Protocol needed = kind->protocol(!release_->plan.all_listeners().empty());
  if (release_->plan.protocol_chosen && needed != release_->plan.protocol) {
    return std::unexpected(fmt::format(
        "target {}: it needs protocol {}, and what runs now was given {} by the kind of its first target; it needs a "
        "liveswap of its own", path, core::name_of(needed), core::name_of(release_->plan.protocol)));
  }
  if (!kind->interpreter.empty()) {
    for (const std::string& word : kind->interpreter) release_->command.push_back({word, false});
    release_->command.push_back({*release_->target, false});
    return {};
  }
  const std::size_t slash = path.rfind('/');
  const auto folder = resolve(slash == 0 ? "/" : path.substr(0, slash));
  release_->program = release_->target;
  const std::string name = folder ? (*folder == "/" ? "" : *folder) + path.substr(slash) : path;
  release_->command = {{name, false}};
  return {};
}

Step Maker::list_sockets() {
  for (const BoundSocket& socket : request_.sockets) values_.sockets.push_back(value_of(socket));
  int number = release_->plan.first_descriptor();
  for (const std::string& name : release_->plan.listeners) {
    if (!release_->protocol->hands_sockets()) break;
    for (config::SocketValue& socket : values_.sockets) {
      if (socket.listener == name) socket.fd = number++;
    }
  }
  for (config::SocketValue& socket : values_.sockets) {
    if (socket.listener == release_->plan.stdin_listener && !socket.fd) socket.fd = STDIN_FILENO;
  }
  release_->sockets = values_.sockets;
  return {};
}

Step Maker::make_environment() {
  config::EnvSources sources{release_->plan, request_.own_environment, {}, request_.overrides.env, login_};
  for (const core::EnvFile& file : release_->plan.env_files) {
    const auto text = os::read_file(file.path, kEnvFileMax);
    if (!text && text.error().code == ENOENT && file.may_be_missing) continue;
    if (!text) return failure("env_file", file.path, text.error().code);
    auto variables = config::parse_env_file(*text, file.path);
    if (!variables) return std::unexpected("env_file " + variables.error());
    sources.files.insert(sources.files.end(), variables->begin(), variables->end());
  }
  auto environment = config::release_environment(sources, values_);
  if (!environment) return std::unexpected(std::move(environment.error()));
  release_->environment = std::move(*environment);
  values_.environment = &release_->environment;
  for (const auto& [name, value] : release_->environment) {
    if (value.per_worker) {
      release_->worker_variables.emplace(name, value);
    } else {
      release_->variables.push_back(name + "=" + value.text);
    }
  }
  return {};
}

Step Maker::pin_directory() {
  auto path = config::expand(release_->plan.cwd, values_);
  if (!path) return std::unexpected("cwd: " + path.error());
  if (path->empty()) return std::unexpected(fmt::format("cwd: {} is empty", release_->plan.cwd));
  *path = config::absolute_path(*path, request_.folder);  // a variable may hold any path
  release_->directory = os::OwnedFd{os::adopt, ::open(path->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!release_->directory) return failure("cwd", *path, errno);
  auto resolved = os::read_link("/proc/self/fd/" + std::to_string(release_->directory.get()));
  release_->directory_path = resolved ? std::move(*resolved) : std::move(*path);
  return {};
}

std::expected<std::vector<config::EnvValue>, std::string> Maker::expand_words(std::string_view key,
                                                                              std::span<const std::string> words) {
  std::vector<config::EnvValue> expanded;
  for (const std::string& word : words) {
    auto value = config::expand_for_release(word, values_);
    if (!value) return std::unexpected(fmt::format("{}: {}", key, value.error()));
    expanded.push_back(std::move(*value));
  }
  return expanded;
}

Step Maker::expand_command() {
  const core::AppPlan& plan = release_->plan;
  auto words = expand_words("command", plan.command.empty() ? plan.arguments : plan.command);
  if (!words) return std::unexpected(std::move(words.error()));
  std::ranges::move(*words, std::back_inserter(release_->command));
  auto message_command = expand_words("on_message", release_->plan.on_message);
  if (!message_command) return std::unexpected(std::move(message_command.error()));
  release_->message_command = std::move(*message_command);
  if (release_->plan.ready.when != core::ReadyWhen::command) return {};
  auto command = expand_words("ready.command", release_->plan.ready.command);
  if (!command) return std::unexpected(std::move(command.error()));
  release_->ready_command = std::move(*command);
  return {};
}

Step Maker::find_identity() {
  const core::AppPlan& plan = release_->plan;
  if (!plan.user && !plan.group) return {};
  os::User user{::geteuid(), ::getegid(), ""};
  if (plan.user) {
    const auto found = os::find_user(*plan.user);
    if (!found) return std::unexpected(fmt::format("user {}: {}", *plan.user, found.error().message()));
    user = *found;
    login_ = config::Login{user.name, user.home, user.shell};
  }
  if (plan.group) {
    const auto found = os::find_group(*plan.group);
    if (!found) return std::unexpected(fmt::format("group {}: {}", *plan.group, found.error().message()));
    user.gid = *found;
  }
  if (!user.gid) return std::unexpected(fmt::format("user {}: it has no group of its own: set group", *plan.user));
  // Without the right to change groups it can only stay what it is, which config has seen to.
  if (::geteuid() != 0 && user.uid == ::geteuid() && *user.gid == ::getegid()) return {};
  auto groups = os::groups_of(user, *user.gid);
  if (!groups) return std::unexpected(groups.error().message());
  release_->identity = wire::Identity{user.uid, *user.gid, {groups->begin(), groups->end()}};
  return {};
}

}  // namespace

uid_t Release::worker_uid() const { return identity ? identity->uid : ::geteuid(); }

ReleaseFacts Release::facts() const {
  ReleaseFacts facts;
  facts.protocol = plan.protocol;
  if (plan.protocol == core::Protocol::bind) facts.bind_by = bind_way(plan.bind_by).by;
  facts.target = target;
  config::Values values;
  values.slot = 0;
  values.generation = 1;
  values.release = id.value;
  values.target = target;
  values.sockets = sockets;
  values.environment = &environment;
  for (const config::EnvValue& word : command) {
    facts.command.push_back(word.per_worker ? config::expand(word.text, values).value_or(word.text) : word.text);
  }
  facts.overrides = overrides;
  return facts;
}

std::expected<std::shared_ptr<const Release>, std::string> make_hook_release(const ReleaseRequest& request) {
  return Maker(request).make_for_hook();
}

std::expected<std::shared_ptr<const Release>, std::string> make_release(const ReleaseRequest& request) {
  return Maker(request).make();
}

}  // namespace liveswap::master
