// `status_file:` the file in which Server::Starter's clients look who lives: a line GENERATION:PID for each worker's
// main process, the oldest generation first. Replaced as a whole, by rename, once for all changes of a turn of the
// loop; removed when the master ends and nobody lives any more.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "loop/deferred.hpp"
#include "loop/loop.hpp"
#include "master/log.hpp"

namespace liveswap::master {

struct StatusRow {
  std::uint64_t generation = 0;
  pid_t pid = 0;
};

class StatusFiles {
 public:
  // `living`: the workers that the file is to list, in any order.
  using Living = std::function<std::vector<StatusRow>(const std::string& path)>;

  StatusFiles(loop::Loop& loop, const Log& log, Living living);
  ~StatusFiles();
  StatusFiles(const StatusFiles&) = delete;
  StatusFiles& operator=(const StatusFiles&) = delete;

  void changed(const std::string& path);

 private:
  struct File {
    bool changed = false;
    bool told = false;  // that it cannot be written
  };
  void write_changed();
  void write(const std::string& path, File& file);

  const Log& log_;
  Living living_;
  std::map<std::string, File> files_;  // by path
  loop::Deferred deferred_;
};

}  // namespace liveswap::master
