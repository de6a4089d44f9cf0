#include "os/descriptor_info.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <charconv>
#include <string>
#include <string_view>

#include "os/file.hpp"
#include "os/socket_option.hpp"

namespace liveswap::os {
namespace {

constexpr std::size_t kInfoMax = std::size_t{16} << 20;  // a line for each registered descriptor

// "tfd:        5 events: …", one line for each registered descriptor.
bool has_entry(std::string_view info, int descriptor) {
  constexpr std::string_view kKey = "tfd:";
  for (std::size_t at = info.find(kKey); at != std::string_view::npos; at = info.find(kKey, at + 1)) {
    const std::size_t digit = info.find_first_not_of(' ', at + kKey.size());
    if (digit == std::string_view::npos) return false;
    int number = -1;
    std::from_chars(info.data() + digit, info.data() + info.size(), number);
    if (number == descriptor) return true;
  }
  return false;
}

}  // namespace

Result<bool> is_in_epoll(pid_t pid, int descriptor) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fdinfo";
  const auto names = list_directory(folder);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    const auto info = read_file(folder + "/" + name, kInfoMax);
    if (info && has_entry(*info, descriptor)) return true;
  }
  return false;
}

Result<bool> is_cloexec_in(pid_t pid, int descriptor) {
  constexpr std::string_view kKey = "flags:";
  constexpr int kOctal = 8;
  const std::string path = "/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(descriptor);
  const auto info = read_file(path, kInfoMax);
  if (!info) return std::unexpected(info.error());
  const std::size_t at = info->find(kKey);
  const std::size_t digit = at == std::string::npos ? at : info->find_first_not_of(" \t", at + kKey.size());
  if (digit == std::string::npos) return fail_with(EPROTO, path);
  int flags = 0;
  std::from_chars(info->data() + digit, info->data() + info->size(), flags, kOctal);
  return (flags & O_CLOEXEC) != 0;
}

bool holds_descriptors(FdRef socket) {
  constexpr std::string_view kKey = "scm_fds:";
  if (get_option(socket, option::kDomain).value_or(-1) != AF_UNIX) return false;
  const auto info = read_file("/proc/self/fdinfo/" + std::to_string(socket.get()), kInfoMax);
  const std::size_t at = info ? info->find(kKey) : std::string::npos;
  if (at == std::string::npos) return false;
  const std::size_t digit = info->find_first_not_of(" \t", at + kKey.size());
  return digit != std::string::npos && info->at(digit) != '0';
}

}  // namespace liveswap::os
