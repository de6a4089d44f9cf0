#include "wire/varlink.hpp"

#include <utility>

namespace liveswap::wire::varlink {

std::expected<void, FormatError> Splitter::feed(std::string_view bytes) {
  if (given_ == held_.size()) {
    held_.clear();
    if (held_.capacity() > (std::size_t{64} << 10)) held_.shrink_to_fit();
    given_ = begun_ = 0;
  } else if (given_ > held_.size() / 2) {
    held_.erase(0, given_);
    begun_ -= given_;
    given_ = 0;
  }
  for (;;) {
    const std::size_t end = bytes.find('\0');
    const std::size_t length = end == std::string_view::npos ? bytes.size() : end;
    if (held_.size() - begun_ + length > max_) return std::unexpected(FormatError{"the message is too long"});
    if (end == std::string_view::npos) break;
    held_.append(bytes.substr(0, end + 1));
    begun_ = held_.size();
    bytes.remove_prefix(end + 1);
  }
  held_.append(bytes);
  return {};
}

std::optional<std::string> Splitter::next() {
  if (given_ == begun_) return std::nullopt;
  const std::size_t end = held_.find('\0', given_);
  std::string message = held_.substr(given_, end - given_);
  given_ = end + 1;
  return message;
}

namespace {

// An object's member that may be left out or null.
std::expected<bool, FormatError> flag_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return false;
  if (!found->is_boolean()) return std::unexpected(FormatError{"a flag is not a boolean"});
  return found->get<bool>();
}

std::expected<Json, FormatError> parameters_of(Json& object) {
  const auto found = object.find("parameters");
  if (found == object.end() || found->is_null()) return Json::object();
  if (!found->is_object()) return std::unexpected(FormatError{"the parameters are not an object"});
  return std::move(*found);
}

std::expected<Json, FormatError> object_of(std::string_view message) {
  auto value = parse_json(message);
  if (value && !value->is_object()) return std::unexpected(FormatError{"the message is not an object"});
  return value;
}

std::string finish(const Json& object) {
  std::string text = dump_json(object);
  text.push_back('\0');
  return text;
}

}  // namespace

std::expected<Call, FormatError> parse_call(std::string_view message) {
  auto object = object_of(message);
  if (!object) return std::unexpected(object.error());
  Call call;
  const auto method = object->find("method");
  if (method == object->end() || !method->is_string())
    return std::unexpected(FormatError{"the call names no method"});
  call.method = method->get<std::string>();
  const auto more = flag_of(*object, "more");
  const auto oneway = flag_of(*object, "oneway");
  const auto upgrade = flag_of(*object, "upgrade");
  for (const auto* flag : {&more, &oneway, &upgrade}) {
    if (!*flag) return std::unexpected(flag->error());
  }
  call.more = *more;
  call.oneway = *oneway;
  call.upgrade = *upgrade;
  auto parameters = parameters_of(*object);
  if (!parameters) return std::unexpected(parameters.error());
  call.parameters = std::move(*parameters);
  return call;
}

std::expected<Reply, FormatError> parse_reply(std::string_view message) {
  auto object = object_of(message);
  if (!object) return std::unexpected(object.error());
  Reply reply;
  const auto error = object->find("error");
  if (error != object->end() && !error->is_null()) {
    if (!error->is_string()) return std::unexpected(FormatError{"the error is not a string"});
    reply.error = error->get<std::string>();
  }
  const auto continues = flag_of(*object, "continues");
  if (!continues) return std::unexpected(continues.error());
  reply.continues = *continues;
  auto parameters = parameters_of(*object);
  if (!parameters) return std::unexpected(parameters.error());
  reply.parameters = std::move(*parameters);
  return reply;
}

std::string write_call(const Call& call) {
  Json object = {{"method", call.method}, {"parameters", call.parameters}};
  if (call.more) object["more"] = true;
  if (call.oneway) object["oneway"] = true;
  if (call.upgrade) object["upgrade"] = true;
  return finish(object);
}

std::string write_reply(const Reply& reply) {
  Json object = Json::object();
  if (!reply.error.empty()) object["error"] = reply.error;
  object["parameters"] = reply.parameters;
  if (reply.continues) object["continues"] = true;
  return finish(object);
}

}  // namespace liveswap::wire::varlink
