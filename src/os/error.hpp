// Errors of system calls as values. An Error remembers what was tried, on what, and errno; message() reads
// "bind(/run/x.sock): Address already in use". Functions that can fail return Result<T>; nothing here throws,
// and nothing needs fmt or iostreams, because liveswap-launch and libliveswap compile this file in.
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <string_view>

namespace liveswap::os {

struct Error {
  std::string what;
  int code = 0;  // an errno value; 0: `what` says everything

  [[nodiscard]] std::string message() const;
  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;

// The system's text for an errno value, without strerror's shared buffer: "Address already in use".
[[nodiscard]] std::string errno_text(int code);

// These capture errno before anything else can change it: fail("bind", path) becomes "bind(PATH): …".
// An object that takes computing to name (and so may change errno) belongs to fail_with.
[[nodiscard]] std::unexpected<Error> fail(std::string_view call);
[[nodiscard]] std::unexpected<Error> fail(std::string_view call, std::string_view object);
[[nodiscard]] std::unexpected<Error> fail(std::string_view call, long object);
[[nodiscard]] std::unexpected<Error> fail_with(int code, std::string what);

// Repeats a system call for as long as a signal interrupts it.
template <class Call>
auto retry_interrupted(Call call) -> decltype(call()) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

}  // namespace liveswap::os
