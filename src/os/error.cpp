#include "os/error.hpp"

#include <cstring>
#include <utility>

namespace liveswap::os {

std::string errno_text(int code) {
  const char* text = strerrordesc_np(code);
  return text != nullptr ? std::string(text) : "Unknown error " + std::to_string(code);
}

std::string Error::message() const { return code == 0 ? what : what + ": " + errno_text(code); }

std::unexpected<Error> fail(std::string_view call) {
  const int code = errno;
  return fail_with(code, std::string(call));
}

std::unexpected<Error> fail(std::string_view call, std::string_view object) {
  const int code = errno;
  std::string what;
  what.reserve(call.size() + object.size() + 2);
  what.append(call).append("(").append(object).append(")");
  return fail_with(code, std::move(what));
}

std::unexpected<Error> fail(std::string_view call, long object) {
  const int code = errno;
  auto failure = fail(call, std::string_view(std::to_string(object)));
  failure.error().code = code;
  return failure;
}

std::unexpected<Error> fail_with(int code, std::string what) {
  return std::unexpected<Error>(Error{std::move(what), code});
}

}  // namespace liveswap::os
