// The interface's description and the command table say the same.
#include "wire/control.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace liveswap::wire::control {
namespace {

std::vector<std::string> all_matches(std::string_view text, const char* pattern) {
  const std::string copy(text);
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (auto it = std::sregex_iterator(copy.begin(), copy.end(), regex); it != std::sregex_iterator(); ++it) {
    found.push_back((*it)[1]);
  }
  return found;
}

TEST_CASE(
    "every command with a method has it in the interface's description, in order, and no other is there") {
  std::vector<std::string> methods;
  for (const Command& command : commands()) {
    if (!command.method.empty()) methods.emplace_back(command.method);
  }
  for (const Command& method : other_methods()) methods.emplace_back(method.method);
  CHECK(all_matches(interface_description(), "\nmethod ([A-Za-z]+)\\(") == methods);
}

TEST_CASE("the description says which level each method needs") {
  const std::string text(interface_description());
  for (const Command& command : commands()) {
    if (command.method.empty()) continue;
    const std::size_t method = text.find("\nmethod " + std::string(command.method) + "(");
    const std::size_t comment = text.rfind("\n\n", method) + 2;
    CAPTURE(command.method);
    CHECK(text.substr(comment).starts_with("# " + std::string(name_of(command.level))));
  }
}

TEST_CASE("methods that show progress give events and an outcome") {
  const std::string text(interface_description());
  for (const Command& command : commands()) {
    if (command.method.empty()) continue;
    const std::size_t method = text.find("\nmethod " + std::string(command.method) + "(");
    const std::string declaration = text.substr(method, text.find("\n\n", method) - method);
    CAPTURE(declaration);
    CHECK((declaration.find("-> (event: ?Event, outcome: ?Outcome)") != std::string::npos) ==
          (command.replies == Replies::progress));
    CHECK((declaration.find("skipped: int)") != std::string::npos) == (command.replies == Replies::follow));
  }
}

TEST_CASE("the description has all errors, in the table's order") {
  std::vector<std::string> names;
  for (const Error error : {Error::Failed, Error::BadUsage, Error::Denied, Error::TimedOut, Error::Busy,
                            Error::Degraded, Error::TicketUnknown}) {
    names.emplace_back(name_of(error));
    CHECK(find_error(full_name_of(error)) == error);
  }
  CHECK(all_matches(interface_description(), "\nerror ([A-Za-z]+) ") == names);
  CHECK_FALSE(find_error("org.liveswap.Control"));
  CHECK_FALSE(find_error("org.liveswap.ControlFailed"));
  CHECK_FALSE(find_error("org.varlink.service.MethodNotFound"));
}

TEST_CASE("every type that the description uses is defined in it") {
  const std::string text(interface_description());
  const auto defined = all_matches(text, "\ntype ([A-Za-z]+) ");
  const auto used =
      all_matches(std::regex_replace(text, std::regex("#[^\n]*"), ""), "[:\\]?] *([A-Z][A-Za-z]*)");
  CHECK(used.size() > 20);
  for (const std::string& type : used) {
    CAPTURE(type);
    CHECK(std::ranges::count(defined, type) == 1);
  }
}

TEST_CASE("commands and methods are found by their names, and nothing by an empty one") {
  CHECK(find_command("is-ready")->method == "IsReady");
  CHECK(find_method("IsReady")->name == "is-ready");
  CHECK(find_command("completion")->method.empty());
  CHECK(find_command("reload") == nullptr);
  CHECK(find_command("") == nullptr);
  CHECK(find_method("") == nullptr);
  std::set<std::string_view> names;
  for (const Command& command : commands()) names.insert(command.name);
  CHECK(names.size() == commands().size());
}

TEST_CASE("errors carry the exit statuses that the client ends with") {
  CHECK(status_of(Error::Failed) == 1);
  CHECK(status_of(Error::BadUsage) == 2);
  CHECK(status_of(Error::Denied) == 4);
  CHECK(status_of(Error::TimedOut) == 5);
  CHECK(status_of(Error::Busy) == 6);
  CHECK(status_of(Error::Degraded) == 7);
}

}  // namespace
}  // namespace liveswap::wire::control
