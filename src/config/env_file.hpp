// Files of environment variables, in the form that systemd's EnvironmentFile= and Docker's --env-file share.
//
// `NAME=VALUE` lines; empty lines and lines that begin with # or ; are skipped. A value ends at the line's
// end, less blanks; in single quotes it is taken as it is, in double quotes a backslash escapes " \ $ ` and a
// line end, and both may go over lines. Outside of quotes a backslash takes the next character as it is, and
// at a line's end goes on with the next line. `export ` before a name is skipped. Nothing is expanded: `${…}`
// is for the configuration file.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace liveswap::config {

// `name`: of the file, for errors: `/etc/web/env:3: …`.
std::expected<std::vector<std::pair<std::string, std::string>>, std::string> parse_env_file(
    std::string_view text, std::string_view name);

}  // namespace liveswap::config
