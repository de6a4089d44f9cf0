#include "os/procfs.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "os/file.hpp"

namespace liveswap::os {
namespace {

constexpr std::size_t kStatMax = 4096;
constexpr std::size_t kStatusMax = 64 * 1024;  // a process can be in 65536 groups; they come after the uid
constexpr std::size_t kArgumentsMax = 8 * 1024 * 1024;  // the kernel allows 6 MiB

std::string proc_path(pid_t pid, std::string_view file) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(file);
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// The next word of the text, which is cut from it.
std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \t\n"));
  text.remove_prefix(word.size());
  return word;
}

std::vector<std::string> split_at_nul(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('\0'));
    parts.emplace_back(part);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return parts;
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  const std::size_t open = text.find(" (");
  const std::size_t close = text.rfind(')');  // the last one: no later field has one
  if (open == text.npos || close == text.npos || close < open + 2) return std::nullopt;
  ProcessStat stat;
  stat.comm = text.substr(open + 2, close - open - 2);
  std::string_view rest = text.substr(close + 1);
  const std::string_view state = next_word(rest);
  if (state.size() != 1 || !parse_number(text.substr(0, open), stat.pid)) return std::nullopt;
  stat.state = state[0];
  const bool ids = parse_number(next_word(rest), stat.ppid) &&
                   parse_number(next_word(rest), stat.process_group) &&
                   parse_number(next_word(rest), stat.session);
  constexpr int kSession = 6;
  constexpr int kStartTime = 22;  // as proc(5) counts the fields
  for (int field = kSession + 1; field < kStartTime; ++field) next_word(rest);
  if (!ids || !parse_number(next_word(rest), stat.start_time)) return std::nullopt;
  return stat;
}

Result<ProcessStat> read_process_stat(pid_t pid) {
  const std::string path = proc_path(pid, "stat");
  const auto text = read_file(path, kStatMax);
  if (!text) return std::unexpected(text.error());
  auto stat = parse_process_stat(*text);
  if (!stat) return fail_with(EPROTO, path + " is not as expected");
  return std::move(*stat);
}

bool shares_network(pid_t pid) {
  const auto own = read_link("/proc/self/ns/net");
  const auto its = read_link("/proc/" + std::to_string(pid) + "/ns/net");
  return own && its && *own == *its;
}

Result<std::vector<std::string>> read_cmdline(pid_t pid) {
  const auto text = read_file(proc_path(pid, "cmdline"), kArgumentsMax);
  if (!text) return std::unexpected(text.error());
  return split_at_nul(*text);
}

Result<std::optional<std::string>> read_environ(pid_t pid, std::string_view variable) {
  const auto text = read_file(proc_path(pid, "environ"), kArgumentsMax);
  if (!text) return std::unexpected(text.error());
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find('\0'));
    if (entry.size() > variable.size() && entry[variable.size()] == '=' && entry.starts_with(variable)) {
      return std::optional<std::string>(entry.substr(variable.size() + 1));
    }
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
  }
  return std::optional<std::string>{};
}

Result<uid_t> process_uid(pid_t pid) {
  const std::string path = proc_path(pid, "status");
  const auto text = read_file(path, kStatusMax);
  if (!text) return std::unexpected(text.error());
  constexpr std::string_view kKey = "\nUid:";  // not in "Name:", where a newline is written as \n
  uid_t uid = 0;
  const std::size_t at = text->find(kKey);
  std::string_view rest =
      at == text->npos ? std::string_view{} : std::string_view(*text).substr(at + kKey.size());
  if (!parse_number(next_word(rest), uid)) return fail_with(EPROTO, path + " is not as expected");
  return uid;
}

Result<std::size_t> count_open_fds(pid_t pid) {
  // Since Linux 6.2 the size of the directory is the number. Before that it is 0, and listing our own opens one.
  const std::string path = proc_path(pid, "fd");
  struct stat info {};
  if (::stat(path.c_str(), &info) == -1) return fail("stat", path);
  if (info.st_size > 0) return static_cast<std::size_t>(info.st_size);
  const auto names = list_directory(path);
  if (!names) return std::unexpected(names.error());
  return names->size() - (pid == ::getpid() ? 1 : 0);
}

Result<std::string> boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 64);
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

}  // namespace liveswap::os
