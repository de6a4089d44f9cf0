// A configuration file, or its text, to the master's plan. The way into this folder.
//
// Nothing is kept: what comes back is a plain value, and loading the same text with the same facts gives it
// again.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/facts.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

struct Loaded {
  core::MasterPlan plan;
  std::vector<Diagnostic> warnings;
  std::string text;  // of the file, as it was read
};

// All errors at once, in the file's order; never empty. Blocks: it reads the file and asks the user database.
std::expected<Loaded, std::vector<Diagnostic>> load_file(const std::string& path, const Facts& facts);

// `path`: what the text is taken to be the content of; for messages, the folder of relative paths, the
// default name.
std::expected<Loaded, std::vector<Diagnostic>> load_text(const std::string& path, std::string text,
                                                         const Facts& facts);

}  // namespace liveswap::config
