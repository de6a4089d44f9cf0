#include "master/release_digest.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <string_view>
#include <utility>

#include "master/release.hpp"

namespace liveswap::master {
namespace {

constexpr std::size_t kWordsMax = 64;  // of a command that are looked at as files

// Programs write into the directories that they are given, so those count by their identity; what is deployed counts by
// its time as well.
enum class Directories { by_identity, by_content };

std::optional<FileDigest> file_digest(os::FdRef directory, const std::string& path,
                                      Directories directories = Directories::by_identity) {
  struct stat info {};
  if (path.empty() || ::fstatat(directory.get(), path.c_str(), &info, 0) == -1) return std::nullopt;
  FileDigest digest;
  digest.path = path;
  digest.device = info.st_dev;
  digest.inode = info.st_ino;
  if (S_ISDIR(info.st_mode) && directories == Directories::by_identity) return digest;
  digest.size = static_cast<std::uint64_t>(info.st_size);
  digest.modified_ns = info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec;
  return digest;
}

std::string value_of(const Release& release, std::string_view name) {
  const auto found = release.environment.find(name);
  return found != release.environment.end() ? found->second.text : std::string();
}

// Where the launcher would find a program without a '/' in its name.
std::optional<FileDigest> find_in_path(const Release& release, const std::string& program) {
  const std::string path = value_of(release, "PATH");
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    if (auto digest = file_digest(release.directory, std::string(folder) + "/" + program)) return digest;
  }
  return std::nullopt;
}

void add(std::vector<FileDigest>& files, std::optional<FileDigest> digest) {
  if (digest) files.push_back(std::move(*digest));
}

std::vector<FileDigest> files_of(const Release& release) {
  std::vector<FileDigest> files;
  if (release.target) add(files, file_digest(release.directory, *release.target, Directories::by_content));
  for (std::size_t i = 0; i < release.command.size() && i < kWordsMax; ++i) {
    const std::string& word = release.command[i].text;
    const bool in_path = i == 0 && word.find('/') == word.npos;
    add(files, in_path ? find_in_path(release, word) : file_digest(release.directory, word));
  }
  return files;
}

}  // namespace

ReleaseDigest digest_of(const Release& release) {
  ReleaseDigest digest;
  digest.plan = release.plan;
  digest.target = release.target;
  digest.identity = release.identity;
  digest.directory = file_digest(release.directory, ".").value_or(FileDigest{});
  digest.directory.path = release.directory_path;
  for (const config::EnvValue& word : release.command) digest.command.push_back(word.text);
  for (const auto& [name, value] : release.environment) digest.environment.push_back(name + "=" + value.text);
  digest.files = files_of(release);
  return digest;
}

}  // namespace liveswap::master
