// Files made, renamed and removed with the rights of another user, by this thread alone: what the kernel would not let
// that user do fails, whatever this process may do itself. The credentials that the kernel asks for files (fsuid,
// fsgid, groups) are a thread's own; glibc's wrappers would change them for all threads, so they are not used.
//
//   const FileRights rights(identity);          // from here on files belong to them …
//   if (!rights.taken()) return …;
//   ::bind(…);                                  // … until here
//
// Only root can take another user's rights. Nothing else that this thread does meanwhile may depend on its own.
#pragma once

#include <sys/types.h>

#include <vector>

#include "os/error.hpp"

namespace liveswap::os {

struct FileIdentity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary
};

class FileRights {
 public:
  // Null: the process's own rights stay.
  explicit FileRights(const FileIdentity* identity);
  ~FileRights();
  FileRights(const FileRights&) = delete;
  FileRights& operator=(const FileRights&) = delete;

  [[nodiscard]] const Result<void>& taken() const { return taken_; }

 private:
  [[nodiscard]] Result<void> take(const FileIdentity& identity);
  void give_back();

  bool changed_ = false;
  std::vector<gid_t> groups_;  // the process's own
  Result<void> taken_;
};

}  // namespace liveswap::os
