#include "os/descriptor_walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace liveswap::os {
namespace {

constexpr std::string_view kSocket = "socket:[";

}  // namespace

Result<DescriptorWalk> DescriptorWalk::open(pid_t pid) {
  std::string path = "/proc/" + std::to_string(pid) + "/fd";
  OwnedFd directory{adopt, ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return fail("open", path);
  return DescriptorWalk(std::move(path), std::move(directory));
}

DescriptorWalk::DescriptorWalk(std::string path, OwnedFd directory)
    : path_(std::move(path)), directory_(std::move(directory)),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(kBufferSize)) {}

// False at the end.
Result<bool> DescriptorWalk::fill() {
  const long size = ::syscall(SYS_getdents64, directory_.get(), buffer_.get(), kBufferSize);
  if (size == -1) return fail("getdents64", "/proc/PID/fd");
  filled_ = static_cast<std::size_t>(size);
  read_ = 0;
  return filled_ > 0;
}

std::optional<int> DescriptorWalk::next_in_buffer() {
  while (read_ < filled_) {
    const std::byte* entry = buffer_.get() + read_;
    unsigned short length = 0;
    std::memcpy(&length, entry + offsetof(dirent64, d_reclen), sizeof length);
    read_ += length;
    const std::string_view name(reinterpret_cast<const char*>(entry + offsetof(dirent64, d_name)));
    int number = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) return number;  // not "." and ".."
  }
  return std::nullopt;
}

// By the link's text, socket:[INODE], which the kernel makes without asking any file system.
std::optional<std::uint64_t> DescriptorWalk::socket_inode(int number) const {
  std::array<char, 16> name{};
  std::to_chars(name.data(), name.data() + name.size() - 1, number);
  std::array<char, 40> link{};
  const ssize_t size = ::readlinkat(directory_.get(), name.data(), link.data(), link.size());
  if (size <= 0) return std::nullopt;
  const std::string_view text(link.data(), static_cast<std::size_t>(size));
  if (!text.starts_with(kSocket)) return std::nullopt;
  std::uint64_t inode = 0;
  const auto [end, error] = std::from_chars(text.data() + kSocket.size(), text.data() + text.size(), inode);
  return error == std::errc{} ? std::optional(inode) : std::nullopt;
}

// Asked of the socket's inode, by the path: no file is opened.
bool DescriptorWalk::is_tcp(int number) const {
  const std::string path = path_ + "/" + std::to_string(number);
  std::array<char, 32> name{};
  const ssize_t size = ::getxattr(path.c_str(), "system.sockprotoname", name.data(), name.size() - 1);
  const std::string_view text(name.data());
  return size > 0 && (text == "TCP" || text == "TCPv6");
}

Result<std::optional<DescriptorWalk::Entry>> DescriptorWalk::next() {
  for (;;) {
    if (const auto number = next_in_buffer()) return Entry{*number, socket_inode(*number)};
    const auto more = fill();
    if (!more) return std::unexpected(more.error());
    if (!*more) return std::optional<Entry>{};
  }
}

}  // namespace liveswap::os
