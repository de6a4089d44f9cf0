#include "os/remote_process.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <span>

#include "os/file.hpp"

namespace liveswap::os {
namespace {

constexpr std::size_t kStatusMax = 1024 * 1024;  // a process can be in 65536 groups of ten digits
constexpr std::size_t kPageMin = 4096;           // divides the page size of every kernel

std::string proc_path(pid_t thread, std::string_view file) {
  return "/proc/" + std::to_string(thread) + "/" + std::string(file);
}

// The words of one line of a status file. The program's name, which comes first, has no line break: it is written \n.
std::optional<std::string_view> words_of(std::string_view text, std::string_view key) {
  const std::string line = "\n" + std::string(key) + ":";
  const std::size_t at = text.find(line);
  if (at == text.npos) return std::nullopt;
  text.remove_prefix(at + line.size());
  return text.substr(0, text.find('\n'));
}

// The numbers of a line, or none where one of its words is no number.
template <class Number>
std::optional<std::vector<Number>> numbers_of(std::string_view text, std::string_view key, int base = 10) {
  auto rest = words_of(text, key);
  if (!rest) return std::nullopt;
  std::vector<Number> numbers;
  for (;;) {
    rest->remove_prefix(std::min(rest->find_first_not_of(" \t"), rest->size()));
    if (rest->empty()) return numbers;
    Number number{};
    const auto [end, error] = std::from_chars(rest->data(), rest->data() + rest->size(), number, base);
    if (error != std::errc{}) return std::nullopt;
    numbers.push_back(number);
    rest->remove_prefix(static_cast<std::size_t>(end - rest->data()));
  }
}

struct FileId {
  dev_t device;
  ino_t inode;
  bool operator==(const FileId&) const = default;
};

Result<FileId> file_id(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == -1) return fail("stat", path);
  return FileId{info.st_dev, info.st_ino};
}

Result<bool> is_same_file(const std::string& one, const std::string& other) {
  const auto first = file_id(one);
  if (!first) return std::unexpected(first.error());
  const auto second = file_id(other);
  if (!second) return std::unexpected(second.error());
  return *first == *second;
}

// How much could be read: less than asked for where the memory ends. A page that cannot be read spoils only the piece
// of the request that it is in, and so each page is one of its own.
Result<std::size_t> read_some(pid_t thread, std::uint64_t address, std::span<std::byte> into) {
  std::vector<iovec> pieces;
  for (std::size_t at = 0; at < into.size();) {
    const std::size_t size = std::min(into.size() - at, kPageMin - (address + at) % kPageMin);
    pieces.push_back({reinterpret_cast<void*>(address + at), size});  // NOLINT: an address there, not here
    at += size;
  }
  const iovec local{into.data(), into.size()};
  const ssize_t size = ::process_vm_readv(thread, &local, 1, pieces.data(), pieces.size(), 0);
  if (size == -1) return fail("process_vm_readv", thread);
  return static_cast<std::size_t>(size);
}

}  // namespace

bool ThreadStatus::has_capability(int number) const { return ((effective_capabilities >> number) & 1) != 0; }

std::optional<ThreadStatus> parse_thread_status(std::string_view text) {
  const auto process = numbers_of<pid_t>(text, "Tgid");
  const auto uids = numbers_of<uid_t>(text, "Uid");  // real, effective, saved, of files
  const auto gids = numbers_of<gid_t>(text, "Gid");
  auto groups = numbers_of<gid_t>(text, "Groups");
  const auto capabilities = numbers_of<std::uint64_t>(text, "CapEff", 16);
  const auto umask = numbers_of<mode_t>(text, "Umask", 8);  // missing of a process that has ended
  if (!process || process->size() != 1 || !uids || uids->size() != 4 || !gids || gids->size() != 4 || !groups ||
      !capabilities || capabilities->size() != 1 || !umask || umask->size() != 1) {
    return std::nullopt;
  }
  return ThreadStatus{.process = process->front(),
                      .uid = uids->at(0),
                      .effective_uid = uids->at(1),
                      .file_uid = uids->at(3),
                      .file_gid = gids->at(3),
                      .groups = std::move(*groups),
                      .effective_capabilities = capabilities->front(),
                      .umask = umask->front()};
}

Result<ThreadStatus> read_thread_status(pid_t thread) {
  const std::string path = proc_path(thread, "status");
  const auto text = read_file(path, kStatusMax);
  if (!text) return std::unexpected(text.error());
  auto status = parse_thread_status(*text);
  if (!status) return fail_with(EPROTO, path + " is not as expected");
  return std::move(*status);
}

Result<pid_t> process_of(pid_t thread) {
  const auto status = read_thread_status(thread);
  if (!status) return std::unexpected(status.error());
  return status->process;
}

Result<std::vector<std::byte>> read_memory(pid_t thread, std::uint64_t address, std::size_t length) {
  std::vector<std::byte> memory(length);
  const auto size = read_some(thread, address, memory);
  if (!size) return std::unexpected(size.error());
  if (*size != length) return fail_with(EFAULT, "process_vm_readv(" + std::to_string(thread) + ")");
  return memory;
}

Result<std::string> read_path(pid_t thread, std::uint64_t address) {
  std::array<std::byte, PATH_MAX> memory;
  const auto size = read_some(thread, address, memory);
  if (!size) return std::unexpected(size.error());
  const auto end = std::find(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(*size), std::byte{0});
  const auto length = static_cast<std::size_t>(end - memory.begin());
  if (length == *size) {
    return fail_with(length == memory.size() ? ENAMETOOLONG : EFAULT,
                     "process_vm_readv(" + std::to_string(thread) + ")");
  }
  return std::string(reinterpret_cast<const char*>(memory.data()), length);
}

Result<bool> shares_namespace(pid_t thread, const char* name) {
  const std::string file = std::string("ns/") + name;
  return is_same_file(proc_path(thread, file), "/proc/self/" + file);
}

Result<bool> shares_root(pid_t thread) {
  const auto mounts = shares_namespace(thread, "mnt");
  if (!mounts || !*mounts) return mounts;
  return is_same_file(proc_path(thread, "root"), "/");
}

Result<OwnedFd> open_working_directory(pid_t thread) {
  const std::string path = proc_path(thread, "cwd");
  const int fd = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd == -1) return fail("open", path);
  return OwnedFd{adopt, fd};
}

}  // namespace liveswap::os
