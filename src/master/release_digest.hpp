// What a release was made of, to be compared with another: is there anything that an upgrade would change? Files count
// by what the kernel says of them, so that a program which was built anew differs though its name does not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "os/fd.hpp"
#include "wire/launch_plan.hpp"

namespace liveswap::master {

struct FileDigest {
  std::string path;
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileDigest&) const = default;
};

struct ReleaseDigest {
  core::AppPlan plan;
  std::optional<std::string> target;
  FileDigest directory;  // without its time and size: files that come and go in it are its programs' business
  std::optional<wire::Identity> identity;
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::vector<FileDigest> files;  // the target, the program, and what other words of the command are files
  bool operator==(const ReleaseDigest&) const = default;
};

struct Release;

// Of a release that is whole but for its digest.
[[nodiscard]] ReleaseDigest digest_of(const Release& release);

}  // namespace liveswap::master
