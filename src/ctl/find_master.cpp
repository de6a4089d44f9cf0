#include "ctl/find_master.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "config/diagnostic.hpp"
#include "config/facts.hpp"
#include "config/load.hpp"
#include "config/paths.hpp"
#include "config/text.hpp"
#include "os/file.hpp"
#include "os/users.hpp"

namespace liveswap::ctl {

namespace {

Failure no_master(std::string text) {
  return {kStatusNoMaster, core::Result::failed, core::Reason::no_master, std::move(text)};
}

Failure bad_usage(core::Reason reason, std::string text) {
  return {kStatusUsage, core::Result::bad_usage, reason, std::move(text)};
}

bool is_there(const std::string& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 || errno == EACCES;
}

// Where others can put things, a master may be theirs. What stands in a folder that only root or the user can
// write to was put there by one of them, whoever owns it.
bool is_closed(const std::string& folder, std::optional<uid_t> owner) {
  struct stat about {};
  if (::lstat(folder.c_str(), &about) != 0) return true;  // then connecting fails, and says why
  const bool owned = !owner || about.st_uid == *owner || about.st_uid == 0;
  return S_ISDIR(about.st_mode) && owned && (about.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool is_trusted(const std::string& socket, uid_t uid) {
  const std::string folder = config::folder_of(socket);
  return is_closed(config::folder_of(folder), uid) && is_closed(folder, std::nullopt);
}

std::vector<std::string> sockets_in(const std::string& parent, uid_t uid) {
  std::vector<std::string> sockets;
  auto names = os::list_directory(parent);
  if (!names) return sockets;
  std::ranges::sort(*names);
  for (const std::string& name : *names) {
    std::string socket = parent + "/" + name + "/" + std::string(config::kControlSocketName);
    if (is_trusted(socket, uid) && is_there(socket)) sockets.push_back(std::move(socket));
  }
  return sockets;
}

// Where masters are when nothing says which one it is.
std::vector<std::string> all_sockets(const config::Surroundings& surroundings,
                                     std::vector<std::string>& tried) {
  const auto folders = config::runtime_folders(surroundings);
  std::vector<std::string> sockets;
  if (folders.own) {
    std::string socket = *folders.own + "/" + std::string(config::kControlSocketName);
    if (is_there(socket)) sockets.push_back(socket);
    tried.push_back(std::move(socket));
  }
  for (const std::string& parent : folders.parents) {
    tried.push_back(parent + "/*/" + std::string(config::kControlSocketName));
    for (std::string& socket : sockets_in(parent, surroundings.uid)) {
      if (std::ranges::find(sockets, socket) == sockets.end()) sockets.push_back(std::move(socket));
    }
  }
  return sockets;
}

// What $RUNTIME_DIRECTORY says is the user's own word; elsewhere only what can be trusted counts.
std::vector<std::string> sockets_of_name(const std::string& name, const config::Surroundings& surroundings) {
  auto sockets = config::control_sockets_of(name, surroundings);
  const std::string own = config::runtime_folders(surroundings).own ? sockets.front() : "";
  std::erase_if(sockets, [&](const std::string& socket) {
    return socket != own && !is_trusted(socket, surroundings.uid);
  });
  return sockets;
}

std::expected<std::vector<std::string>, Failure> sockets_of_file(const std::string& file,
                                                                 const config::Surroundings& surroundings) {
  // What the file asks for is for the master to judge, which may have rights that the client lacks.
  config::Facts facts = config::facts_of_this_machine(os::find_user, os::find_group);
  facts.uid = 0;
  const auto loaded = config::load_file(file, facts);
  if (!loaded) {
    std::string text = config::render(loaded.error());
    while (text.ends_with('\n')) text.pop_back();
    return std::unexpected(bad_usage(core::Reason::bad_file, std::move(text)));
  }
  const core::MasterPlan& plan = loaded->plan;
  if (plan.control.socket || plan.runtime_dir) {
    return std::vector<std::string>{config::control_socket(plan, surroundings)};
  }
  return sockets_of_name(plan.name, surroundings);
}

// Where a master was looked for, and what came of it.
struct Search {
  std::vector<std::string> tried;
  std::vector<Attempt> attempts;
};

// The sockets that the wanted master may have; all there are where nothing is wanted.
std::expected<std::vector<std::string>, Failure> candidates(const Wanted& wanted,
                                                            const config::Surroundings& surroundings,
                                                            std::vector<std::string>& tried) {
  std::vector<std::string> sockets;
  if (wanted.control) {
    sockets = {config::absolute_path(*wanted.control, wanted.folder)};
  } else if (wanted.file) {
    auto of_file = sockets_of_file(config::absolute_path(*wanted.file, wanted.folder), surroundings);
    if (!of_file) return of_file;
    sockets = std::move(*of_file);
  } else if (wanted.name) {
    sockets = sockets_of_name(*wanted.name, surroundings);
  } else if (wanted.env_control) {
    sockets = {config::absolute_path(*wanted.env_control, wanted.folder)};
  } else if (wanted.env_name) {
    sockets = sockets_of_name(*wanted.env_name, surroundings);
  } else {
    return all_sockets(surroundings, tried);
  }
  tried = sockets;
  return sockets;
}

// A socket that the user has named himself is what he wants, whoever listens there.
bool by_socket(const Wanted& wanted) {
  return wanted.control || (!wanted.file && !wanted.name && wanted.env_control);
}

bool by_name(const Wanted& wanted) {
  return !by_socket(wanted) && !wanted.file && (wanted.name || wanted.env_name);
}

bool is_denied(const Attempt& attempt) {
  return attempt.client.error().code == EACCES || attempt.client.error().code == EPERM;
}

std::string several(const std::vector<Attempt>& connected) {
  std::string text = "several masters can be reached; say which one with -n NAME or --control PATH:";
  for (const Attempt& attempt : connected)
    text += fmt::format("\n  {}  {}", name_by_path(attempt.path), attempt.path);
  return text;
}

Failure none(const Wanted& wanted, const Search& search) {
  const auto& [tried, failed] = search;
  const auto denied = std::ranges::find_if(failed, is_denied);
  if (denied != failed.end()) return failure_of(*denied);
  std::string text = "no master can be reached; tried:";
  for (const std::string& path : tried) {
    const auto attempt = std::ranges::find(failed, path, &Attempt::path);
    const std::string why =
        attempt == failed.end() ? "" : ": " + os::errno_text(attempt->client.error().code);
    text += fmt::format("\n  {}{}", path, why);
  }
  for (const Attempt& attempt : failed) {
    if (std::ranges::find(tried, attempt.path) != tried.end()) continue;
    text += fmt::format("\n  {}: {}", attempt.path, os::errno_text(attempt.client.error().code));
  }
  if (by_name(wanted)) text += "\nwhere its file sets runtime_dir, use -c FILE or --control PATH";
  return no_master(std::move(text));
}

// A master whose socket is elsewhere leaves a link to it in its runtime directory (master/control_link.hpp). It
// outlives a master that was killed, and elsewhere others may put a socket of theirs.
bool is_linked_to_another(const Attempt& attempt) {
  struct stat link {};
  if (!attempt.client || ::lstat(attempt.path.c_str(), &link) != 0 || !S_ISLNK(link.st_mode)) return false;
  const auto listens = attempt.client->peer_uid();
  return !listens || (*listens != link.st_uid && *listens != 0);
}

std::expected<Search, Failure> search(const Wanted& wanted, const config::Surroundings& surroundings) {
  Search search;
  const auto sockets = candidates(wanted, surroundings, search.tried);
  if (!sockets) return std::unexpected(sockets.error());
  for (const std::string& socket : *sockets) search.attempts.push_back({socket, Client::open(socket)});
  if (!by_socket(wanted)) std::erase_if(search.attempts, is_linked_to_another);
  return search;
}

bool nobody_listens(const Attempt& attempt) {
  return !attempt.client &&
         (attempt.client.error().code == ENOENT || attempt.client.error().code == ECONNREFUSED);
}

}  // namespace

std::string name_by_path(const std::string& path) {
  const std::string folder = config::folder_of(path);
  if (!path.ends_with("/" + std::string(config::kControlSocketName))) return path;
  return folder.substr(folder.rfind('/') + 1);
}

Failure failure_of(const Attempt& attempt) {
  const std::string why = attempt.client.error().message();
  if (!is_denied(attempt)) return no_master(fmt::format("no master can be reached at {}: {}", attempt.path, why));
  return {kStatusDenied, core::Result::denied, core::Reason::denied,
          fmt::format("no right to reach {}: {}", attempt.path, why)};
}

std::expected<std::vector<Attempt>, Failure> find_all(const Wanted& wanted,
                                                      const config::Surroundings& surroundings) {
  auto found = search(wanted, surroundings);
  if (!found) return std::unexpected(found.error());
  if (std::ranges::all_of(found->attempts, nobody_listens)) return std::unexpected(none(wanted, *found));
  std::erase_if(found->attempts, nobody_listens);
  return std::move(found->attempts);
}

std::expected<Client, Failure> find_master(const Wanted& wanted, const config::Surroundings& surroundings) {
  auto found = search(wanted, surroundings);
  if (!found) return std::unexpected(found.error());
  std::vector<Attempt> connected;
  for (Attempt& attempt : found->attempts) {
    if (attempt.client) connected.push_back(std::move(attempt));
  }
  if (connected.empty()) return std::unexpected(none(wanted, *found));
  // Of several places that one name may be at, the first is the likeliest; of several masters only the user
  // can choose.
  if (wanted.nothing() && connected.size() > 1) {
    return std::unexpected(bad_usage(core::Reason::several_masters, several(connected)));
  }
  return std::move(*connected.front().client);
}

}  // namespace liveswap::ctl
