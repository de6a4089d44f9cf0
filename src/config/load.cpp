#include "config/load.hpp"

#include "config/decode_master.hpp"
#include "config/paths.hpp"
#include "config/text_file.hpp"
#include "config/yaml_reader.hpp"

namespace liveswap::config {

std::expected<Loaded, std::vector<Diagnostic>> load_file(const std::string& path, const Facts& facts) {
  auto text = read_text_file(path);
  if (!text) return std::unexpected(std::vector{about_file(path, text.error())});
  return load_text(path, std::move(*text), facts);
}

std::expected<Loaded, std::vector<Diagnostic>> load_text(const std::string& path, std::string text,
                                                         const Facts& facts) {
  Loaded loaded{.plan = {}, .warnings = {}, .text = text};
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // a byte order mark
  Source source(path, std::move(text));
  Findings findings(source);
  auto absolute = absolute_path(path, facts.working_directory);
  if (auto root = read_yaml(source, findings)) {
    Context context{source, findings, facts, folder_of(absolute)};
    loaded.plan = decode_master(context, *root, absolute);
  }
  if (findings.has_errors()) return std::unexpected(findings.errors());
  loaded.warnings = findings.warnings();
  return loaded;
}

}  // namespace liveswap::config
