// A file that takes the place of another in one step: whoever reads the path finds the old content or the new one,
// whole, also after a power cut. It is written beside it under another name until then.
#pragma once

#include <string>
#include <string_view>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

class ReplacementFile {
 public:
  // Makes the file beside `path`, with the permissions of what is there; that it can be made shows that `path` can be
  // replaced. A symbolic link at `path` would be replaced itself, not what it points to.
  [[nodiscard]] static Result<ReplacementFile> create(const std::string& path);
  ReplacementFile(ReplacementFile&& other) noexcept;
  ReplacementFile& operator=(ReplacementFile&&) = delete;
  ~ReplacementFile();  // removes it, unless it was put in place

  // Writes it and puts it in place; waits until the disk has both.
  [[nodiscard]] Result<void> put(std::string_view content);

 private:
  ReplacementFile(std::string path, std::string temporary, OwnedFd fd, OwnedFd folder);

  std::string path_, temporary_;
  OwnedFd fd_, folder_;
};

}  // namespace liveswap::os
