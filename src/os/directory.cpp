#include "os/directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

namespace liveswap::os {
namespace {

std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), mode & 07777U, 8);
  return "0" + std::string(text.data(), end);
}

std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(std::min(part.size() + 1, path.size()));
  }
  return parts;
}

// One directory on the way down, and its path for messages.
struct Place {
  OwnedFd fd;
  std::string path;

  [[nodiscard]] std::string below(const std::string& name) const {
    if (path.empty()) return name;
    return path == "/" ? path + name : path + "/" + name;
  }
};

Result<struct stat> status_of(const Place& place) {
  struct stat status {};
  if (::fstat(place.fd.get(), &status) == -1) return fail("fstat", place.path);
  return status;
}

Result<Place> make_directory(const Place& parent, const std::string& name, mode_t mode) {
  Place made{{}, parent.below(name)};
  if (::mkdirat(parent.fd.get(), name.c_str(), mode) == -1) return fail("mkdir", made.path);
  made.fd = OwnedFd{adopt,
                    ::openat(parent.fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!made.fd) return fail("open", made.path);
  if (::fchmod(made.fd.get(), mode) == -1) return fail("chmod", made.path);  // mkdir has cut it by the umask
  return made;
}

Result<Place> open_or_make(const Place& parent, const std::string& name, mode_t mode, int flags) {
  Place child{{}, parent.below(name)};
  const auto open = [&] { return ::openat(parent.fd.get(), name.c_str(), flags | O_DIRECTORY | O_CLOEXEC); };
  child.fd = OwnedFd{adopt, open()};
  if (!child.fd && errno == ENOENT) {
    auto made = make_directory(parent, name, mode);
    if (made || made.error().code != EEXIST) return made;
    child.fd = OwnedFd{adopt, open()};  // somebody made it between the two calls; it is judged as any other
  }
  if (child.fd) return child;
  const int code = errno;
  std::array<char, 1> target{};
  if (::readlinkat(parent.fd.get(), name.c_str(), target.data(), target.size()) != -1) {
    return fail_with(
        0, child.path + " is a symbolic link, which is not followed here: name the directory itself");
  }
  return fail_with(code, "open(" + child.path + ")");
}

Result<void> check_private(const Place& place) {
  const auto status = status_of(place);
  if (!status) return std::unexpected(status.error());
  const uid_t us = ::geteuid();
  if (status->st_uid != us) {
    return fail_with(0, place.path + " belongs to uid " + std::to_string(status->st_uid) +
                            ", not to us (uid " + std::to_string(us) +
                            "): remove it or choose another directory");
  }
  if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail_with(0, place.path + " has mode " + octal(status->st_mode) +
                            ", so others can write to it: chmod go-w " + place.path);
  }
  return {};
}

Result<void> check_not_planted(const Place& place) {
  const auto status = status_of(place);
  if (!status) return std::unexpected(status.error());
  if (status->st_uid == ::geteuid() || status->st_uid == 0) return {};
  return fail_with(0, place.path + " belongs to uid " + std::to_string(status->st_uid) +
                          ", and anybody could have put it there: remove it or choose another directory");
}

Result<Place> step_down(const Place& parent, const std::string& name, mode_t mode, bool last) {
  const auto status = status_of(parent);
  if (!status) return std::unexpected(status.error());
  const bool open_to_all = (status->st_mode & S_IWOTH) != 0;
  if (open_to_all && (status->st_mode & S_ISVTX) == 0) {
    return fail_with(0, parent.path +
                            " can be written by everyone, who could then replace what is in it: chmod +t " +
                            parent.path);
  }
  const int follow = last || open_to_all ? O_NOFOLLOW : 0;
  auto child = open_or_make(parent, name, mode, (last ? O_RDONLY : O_PATH) | follow);
  if (!child) return child;
  const auto good = last ? check_private(*child) : open_to_all ? check_not_planted(*child) : Result<void>{};
  if (!good) return std::unexpected(good.error());
  return child;
}

}  // namespace

Result<OwnedFd> open_private_directory(const std::string& path, mode_t mode) {
  const bool absolute = path.starts_with('/');
  const std::vector<std::string> parts = components(path);
  if (parts.empty()) return fail_with(0, "\"" + path + "\" cannot be used as a private directory");
  Place place{OwnedFd{adopt, ::open(absolute ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC)},
              absolute ? "/" : ""};
  if (!place.fd) return fail("open", absolute ? "/" : ".");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto next = step_down(place, parts[i], mode, i + 1 == parts.size());
    if (!next) return std::unexpected(next.error());
    place = std::move(*next);
  }
  return std::move(place.fd);
}

}  // namespace liveswap::os
