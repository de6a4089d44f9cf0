#include "master/head_file.hpp"

#include "os/replacement_file.hpp"

namespace liveswap::master {

namespace {

std::unexpected<std::string> failure(const std::string& path, const os::Error& error) {
  return std::unexpected("HEAD " + path + " cannot be written: " + error.message());
}

}  // namespace

std::expected<void, std::string> check_head(const std::string& path) {
  const auto file = os::ReplacementFile::create(path);
  if (!file) return failure(path, file.error());
  return {};
}

std::expected<void, std::string> write_head(const std::string& path, const std::string& target) {
  auto file = os::ReplacementFile::create(path);
  if (!file) return failure(path, file.error());
  if (const auto put = file->put(target + "\n"); !put) return failure(path, put.error());
  return {};
}

}  // namespace liveswap::master
