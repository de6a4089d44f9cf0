// The two descriptor types. OwnedFd closes its descriptor when it dies; it is moved, never copied, and
// adopting a raw number is spelled out: OwnedFd{adopt, fd}. FdRef borrows: a plain number whose owner is
// elsewhere and must outlive it. A function that takes an FdRef never closes it; one that takes an OwnedFd
// consumes it.
#pragma once

#include "os/error.hpp"

namespace liveswap::os {

struct Adopt {};
inline constexpr Adopt adopt{};

class OwnedFd {
 public:
  OwnedFd() = default;
  OwnedFd(Adopt, int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;  // what this held is closed at once
  ~OwnedFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }

  [[nodiscard]] int release();  // gives the number up without closing it
  void reset();                 // closes now; errno stays as it was

 private:
  int fd_ = -1;
};

class FdRef {
 public:
  FdRef() = default;
  FdRef(const OwnedFd& owner) : fd_(owner.get()) {}  // NOLINT(google-explicit-constructor)
  explicit FdRef(int fd) : fd_(fd) {}

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  bool operator==(const FdRef&) const = default;

 private:
  int fd_ = -1;
};

// A duplicate of the same open file, close-on-exec, with a number of at least `at_least`.
[[nodiscard]] Result<OwnedFd> dup_cloexec(FdRef fd, int at_least = 0);

[[nodiscard]] Result<void> set_cloexec(FdRef fd, bool on);
[[nodiscard]] Result<bool> is_cloexec(FdRef fd);

// Makes every open descriptor from this number up close-on-exec: for what a program was started with unasked.
[[nodiscard]] Result<void> set_cloexec_from(int lowest);

// O_NONBLOCK belongs to the open file, so it changes for all who share it.
[[nodiscard]] Result<void> set_nonblock(FdRef fd, bool on);
[[nodiscard]] Result<bool> is_nonblock(FdRef fd);

// Whether the number is a descriptor of this process.
[[nodiscard]] bool is_open(FdRef fd);

}  // namespace liveswap::os
