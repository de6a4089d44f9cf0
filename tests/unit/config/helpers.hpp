// A machine that is the same everywhere, and the shortest way from a text to its plan or its errors.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "config/load.hpp"

namespace liveswap::config {

// Users root, me (1000, as whom the tests run) and www (33); groups of the same names, and ops (50), which I
// am in.
inline Facts test_facts(std::uint32_t uid = 1000) {
  Facts facts;
  facts.uid = uid;
  facts.groups = uid == 0 ? std::vector<std::uint32_t>{0} : std::vector<std::uint32_t>{1000, 50};
  facts.processors = 6;
  facts.somaxconn = 4096;
  facts.working_directory = "/home/me";
  static const std::map<std::string, std::uint32_t> accounts{
      {"root", 0}, {"me", 1000}, {"www", 33}, {"ops", 50}};
  facts.find_user = [](const std::string& name) -> std::optional<User> {
    auto found = accounts.find(name);
    if (found == accounts.end() || name == "ops") return std::nullopt;
    return User{found->second, found->second, name};
  };
  facts.find_group = [](const std::string& name) -> std::optional<std::uint32_t> {
    auto found = accounts.find(name);
    return found == accounts.end() ? std::nullopt : std::optional(found->second);
  };
  facts.kind_of = [](const std::string& path) {
    if (path.ends_with("/directory")) return PathKind::directory;
    if (path.ends_with("/missing")) return PathKind::missing;
    if (path.ends_with("/text")) return PathKind::other;
    return PathKind::executable;
  };
  return facts;
}

// All that is told about the text, rendered; "" where nothing is.
inline std::string told(const std::string& text, const Facts& facts = test_facts()) {
  auto loaded = load_text("web.yaml", text, facts);
  return render(loaded ? loaded->warnings : loaded.error());
}

// The plan of a text that must be good, with warnings allowed.
inline core::MasterPlan plan_of(const std::string& text, const Facts& facts = test_facts()) {
  auto loaded = load_text("web.yaml", text, facts);
  if (!loaded) FAIL(render(loaded.error()));
  return loaded->plan;
}

// The rendering of a text whose mistake is in one app's section.
inline std::string told_of_app(const std::string& keys, const Facts& facts = test_facts()) {
  return told("listeners:\n  http: tcp://:80\n  api: unix:/run/api.sock\napps:\n  web:\n" + keys, facts);
}

}  // namespace liveswap::config
