// Goal: a release holds what it was made from, and every mistake is told with app, key and path. Method: directories,
// symlinks, files and environments that change after it was made.
#include "master/release.hpp"

#include <doctest/doctest.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "worker_site.hpp"

namespace liveswap::master {
namespace {

using namespace test;

struct Parts {
  core::AppPlan plan = app_plan({"./server"});
  ReleaseOverrides overrides;
  Lines own_environment;
  std::vector<BoundSocket> sockets;
  std::string folder = "/";

  [[nodiscard]] std::expected<std::shared_ptr<const Release>, std::string> try_make() const {
    return make_release({core::AppId{1}, core::ReleaseId{7}, plan, overrides, own_environment, sockets, folder});
  }
  [[nodiscard]] std::shared_ptr<const Release> make() const { return must(try_make()); }
  [[nodiscard]] std::string error() const {
    const auto made = try_make();
    return made ? "no error" : made.error();
  }
};

Lines words(const std::vector<config::EnvValue>& values) {
  Lines found;
  for (const config::EnvValue& value : values) found.push_back(value.text);
  return found;
}

std::string variable(const Release& release, const std::string& name) {
  const auto found = release.environment.find(name);
  return found == release.environment.end() ? "(not set)" : found->second.text;
}

}  // namespace

TEST_CASE("a release keeps the directory behind a symlink that moves on") {
  const Folder folder;
  std::filesystem::create_directory(folder.path("v1"));
  std::filesystem::create_directory(folder.path("v2"));
  std::filesystem::create_directory_symlink("v1", folder.path("current"));
  Parts parts;
  parts.plan = shell("pwd; echo ${TARGET}");
  parts.plan.command = {"/bin/sh", "-c", "pwd; echo ${target}"};
  parts.plan.target = folder.path("current");
  parts.plan.cwd = "${target}";
  Site site;
  const auto release = parts.make();
  std::filesystem::remove(folder.path("current"));
  std::filesystem::create_directory_symlink("v2", folder.path("current"));
  CHECK(release->target == folder.path("v1"));
  CHECK(release->directory_path == folder.path("v1"));
  site.spawn(release);
  site.run_until_ended();
  CHECK(site.out_text == "web/0 g3 | " + folder.path("v1") + "\nweb/0 g3 | " + folder.path("v1") + "\n");
  CHECK(parts.make()->target == folder.path("v2"));
}

TEST_CASE("a directory that a variable names is below the file's folder, where it is relative") {
  const Folder folder;
  std::filesystem::create_directory(folder.path("app"));
  Parts parts;
  parts.folder = folder.path("");
  parts.plan.pass_env.kind = core::PassEnv::Kind::all;
  parts.plan.cwd = "${env:WHERE}";
  parts.own_environment = {"WHERE=./app"};
  CHECK(parts.make()->directory_path == folder.path("app"));
  parts.own_environment = {"WHERE=/usr"};
  CHECK(parts.make()->directory_path == "/usr");
  parts.own_environment = {"WHERE=nowhere"};
  CHECK(parts.error() == "web: cwd " + folder.path("nowhere") + ": No such file or directory");
  parts.own_environment = {"WHERE="};
  CHECK(parts.error() == "web: cwd: ${env:WHERE} is empty");
}

TEST_CASE("an app with a user has what the user database says of him; without one it has the master's") {
  const passwd* me = ::getpwuid(::geteuid());
  REQUIRE(me != nullptr);
  Parts parts;
  parts.plan.pass_env.kind = core::PassEnv::Kind::all;
  parts.own_environment = {"HOME=/elsewhere", "USER=somebody", "LOGNAME=somebody"};
  CHECK(variable(*parts.make(), "USER") == "somebody");
  parts.plan.user = me->pw_name;
  const auto release = parts.make();
  CHECK(variable(*release, "USER") == me->pw_name);
  CHECK(variable(*release, "LOGNAME") == me->pw_name);
  CHECK(variable(*release, "HOME") == me->pw_dir);
}

TEST_CASE("a release keeps its directory even when that is renamed") {
  const Folder folder;
  std::filesystem::create_directory(folder.path("v1"));
  Parts parts;
  parts.plan = shell("pwd -P");
  parts.plan.cwd = folder.path("v1");
  Site site;
  const auto release = parts.make();
  std::filesystem::rename(folder.path("v1"), folder.path("old"));
  site.spawn(release);
  site.run_until_ended();
  CHECK(site.out_text == "web/0 g3 | " + folder.path("old") + "\n");
}

TEST_CASE("without a command the target itself is run, by its name in the folder where it is") {
  const Folder folder;
  std::filesystem::create_directory(folder.path("v1"));
  std::filesystem::create_directory_symlink("v1", folder.path("current"));
  std::filesystem::create_symlink("/bin/sh", folder.path("v1/server"));
  Parts parts;
  parts.plan.command = {};
  parts.plan.target = folder.path("current/server");
  const auto release = parts.make();
  CHECK(release->program == std::filesystem::canonical("/bin/sh").string());
  CHECK(words(release->command) == Lines{folder.path("v1/server")});
  CHECK(release->facts().command == Lines{folder.path("v1/server")});
}

TEST_CASE("a script is run by its first line or its ending, with the arguments that follow a target") {
  const Folder folder;
  folder.write("a.py", "print()", 0644);
  folder.write("b", "#!/bin/sh -e\n", 0644);
  folder.write("c", "#!/bin/sh\n", 0755);
  Parts parts;
  parts.plan.command = {};
  parts.plan.arguments = {"-r", "${release}"};
  parts.plan.target = folder.path("a.py");
  CHECK_FALSE(parts.make()->program);
  CHECK(parts.make()->facts().command == Lines{"python3", folder.path("a.py"), "-r", "7"});
  parts.plan.target = folder.path("b");
  CHECK(parts.make()->facts().command == Lines{"/bin/sh", "-e", folder.path("b"), "-r", "7"});
  parts.plan.target = folder.path("c");
  CHECK(parts.make()->program == folder.path("c"));
  CHECK(parts.make()->facts().command == Lines{folder.path("c"), "-r", "7"});
  parts.overrides.command = {"./other"};
  CHECK(parts.make()->facts().command == Lines{"./other"});
}

TEST_CASE("a target that needs another protocol than the first one chose is refused") {
  const Folder folder;
  folder.write("a.js", "", 0644);
  folder.write("b.py", "", 0644);
  Parts parts;
  parts.plan.command = {};
  parts.plan.protocol = core::Protocol::node;
  parts.plan.protocol_chosen = true;
  parts.overrides.target = folder.path("a.js");
  CHECK(parts.error() == "no error");
  parts.overrides.target = folder.path("b.py");
  CHECK(parts.error() == "web: target " + folder.path("b.py") +
                             ": it needs protocol bind, and what runs now was given node by the kind of its first "
                             "target; it needs a liveswap of its own");
  parts.plan.protocol_chosen = false;  // the file says so
  CHECK(parts.error() == "no error");
}

TEST_CASE("a target that cannot be run is refused with its path") {
  const Folder folder;
  Parts parts;
  parts.plan.command = {};
  CHECK(parts.error() == "web: command: there is nothing to run: neither a command nor a target");
  parts.plan.target = folder.path("server");
  CHECK(parts.error() == "web: target " + folder.path("server") + ": No such file or directory");
  folder.write("server", "", 0644);
  CHECK(parts.error() == "web: target " + folder.path("server") +
                             ": is not executable, and neither a #! line nor its ending says what runs it; known are "
                             ".js .mjs .cjs .py .rb .pl .php");
  parts.plan.target = folder.path();
  CHECK(parts.error() == "web: target " + folder.path() + ": Is a directory; a directory needs a command");
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0700) == 0);
  parts.plan.target = folder.path("pipe");
  CHECK(parts.error() == "web: target " + folder.path("pipe") + ": not a regular file");
}

TEST_CASE("a directory that is not there is refused with its path") {
  const Folder folder;
  Parts parts;
  parts.plan.cwd = folder.path("nowhere");
  CHECK(parts.error() == "web: cwd " + folder.path("nowhere") + ": No such file or directory");
  parts.plan.cwd = folder.write("file", "");
  CHECK(parts.error() == "web: cwd " + folder.path("file") + ": Not a directory");
}

TEST_CASE("the environment is read when the release is made") {
  const Folder folder;
  Parts parts;
  parts.plan.pass_env.kind = core::PassEnv::Kind::all;
  parts.own_environment = {"FROM=own", "OWN=1", "LISTEN_FDS=3"};
  parts.plan.env_files = {{folder.write("env", "FROM=file\nFILE=2\n"), false}, {folder.path("missing"), true}};
  parts.plan.env = {{"LAST", "${env:FROM}"}};
  parts.overrides.env = {{"TYPED", "${env:LAST}!"}};
  const auto release = parts.make();
  CHECK(variable(*release, "FROM") == "file");
  CHECK(variable(*release, "OWN") == "1");
  CHECK(variable(*release, "FILE") == "2");
  CHECK(variable(*release, "LAST") == "file");
  CHECK(variable(*release, "TYPED") == "file!");
  CHECK(variable(*release, "LISTEN_FDS") == "(not set)");
  folder.write("env", "FROM=later\n");
  CHECK(variable(*release, "FROM") == "file");
  CHECK(variable(*parts.make(), "FROM") == "later");
}

TEST_CASE("an env file that is missing or wrong is refused with its path") {
  const Folder folder;
  Parts parts;
  parts.plan.env_files = {{folder.path("env"), false}};
  CHECK(parts.error() == "web: env_file " + folder.path("env") + ": No such file or directory");
  folder.write("env", "A=1\nno assignment\n");
  CHECK(parts.error().starts_with("web: env_file " + folder.path("env") + ":2: "));
}

TEST_CASE("words that cannot be expanded are refused with their key") {
  Parts parts;
  parts.plan.command = {"./server", "${env:NOWHERE}"};
  CHECK(parts.error() == "web: command: ${env:NOWHERE}: the variable is not set");
  parts.plan.command = {"./server", "${port:http}"};
  CHECK(parts.error() == "web: command: ${port:http}: there is no such listener");
}

TEST_CASE("addresses and ports are the real ones") {
  Parts parts;
  parts.plan.listeners = {"http"};
  parts.sockets = {{"other", 0, os::FdRef(), core::SocketKind::unix_stream, "@bus", 0},
                   {"http", 0, os::FdRef(), core::SocketKind::tcp, "127.0.0.1", 41234},
                   {"http", 1, os::FdRef(), core::SocketKind::tcp, "::1", 41234}};
  parts.plan.command = {"./server", "${addr:http}:${port:http}", "${addr:http:1}", "${addr:other}"};
  CHECK(parts.make()->facts().command == Lines{"./server", "127.0.0.1:41234", "::1", "@bus"});
}

TEST_CASE("overrides belong to the release, which says what differs from the file") {
  const Folder folder;
  Parts parts;
  parts.overrides = {.target = folder.path(), .command = {"./other", "-x"}, .env = {{"A", "1"}}, .label = "1.4.2"};
  const auto release = parts.make();
  CHECK(release->label == "1.4.2");
  CHECK(release->target == folder.path());
  CHECK(words(release->command) == Lines{"./other", "-x"});
  CHECK(release->facts().overrides == Lines{"--target " + folder.path(), "--env A=1", "-- ./other -x"});
}

TEST_CASE("a user who is not there is refused") {
  Parts parts;
  parts.plan.user = "nobody-at-all";
  CHECK(parts.error() == "web: user nobody-at-all: there is no user \"nobody-at-all\"");
  parts.plan.user = "4242";
  CHECK(parts.error() == "web: user 4242: it has no group of its own: set group");
  parts.plan.user.reset();
  parts.plan.group = "no-group-at-all";
  CHECK(parts.error() == "web: group no-group-at-all: there is no group \"no-group-at-all\"");
}

TEST_CASE("a release that was made from the same has the same digest, whatever its ids and label") {
  const Folder folder;
  folder.write("server", "1");
  Parts parts;
  parts.plan.cwd = folder.path();
  const auto first = parts.make();
  parts.overrides.label = "again";
  CHECK(parts.make()->digest == first->digest);
  folder.write("log.txt", "");  // in its directory, but none of its words
  CHECK(parts.make()->digest == first->digest);
}

TEST_CASE("a release that would run otherwise has another digest") {
  const Folder folder;
  folder.write("server", "1");
  folder.write("config.js", "1");
  std::filesystem::create_directory(folder.path("bin"));
  folder.write("bin/tool", "1");
  const auto parts_of = [&] {
    Parts parts;
    parts.plan.cwd = folder.path();
    parts.plan.command = {"./server", "config.js"};
    parts.plan.env = {{"PATH", "/nowhere:" + folder.path("bin")}};
    return parts;
  };
  Parts parts = parts_of();
  const auto first = parts.make();
  const auto differs = [&] { return !(parts.make()->digest == first->digest); };
  CHECK_FALSE(differs());
  SUBCASE("by its program's content") {
    folder.write("server", "22");
    CHECK(differs());
  }
  SUBCASE("by its program's replacement of the same size") {
    folder.write("new", "1");
    std::filesystem::rename(folder.path("new"), folder.path("server"));
    CHECK(differs());
  }
  SUBCASE("by a script that it names") {
    folder.write("config.js", "22");
    CHECK(differs());
  }
  SUBCASE("by what was deployed into its target") {
    parts.plan.target = folder.path("bin");
    const auto with_target = parts.make();
    CHECK(parts.make()->digest == with_target->digest);
    std::filesystem::last_write_time(folder.path("bin"), std::filesystem::file_time_type() + 1h);
    CHECK_FALSE(parts.make()->digest == with_target->digest);
  }
  SUBCASE("by its environment") {
    parts.overrides.env = {{"A", "1"}};
    CHECK(differs());
  }
  SUBCASE("by its limits") {
    parts.plan.limits = {{"nofile", RLIMIT_NOFILE, 100, 100}};
    CHECK(differs());
  }
  SUBCASE("by its policy") {
    parts.plan.policy.drain_timeout = 1s;
    CHECK(differs());
  }
  SUBCASE("by its directory") {
    std::filesystem::rename(folder.path("bin"), folder.path("bin2"));
    parts.plan.cwd = folder.path("bin2");
    CHECK(differs());
  }
}

TEST_CASE("a program that PATH finds counts by its content too") {
  const Folder folder;
  folder.write("tool", "1");
  Parts parts;
  parts.plan.command = {"tool"};
  parts.plan.env = {{"PATH", "/nowhere:" + folder.path()}};
  const auto first = parts.make();
  CHECK(parts.make()->digest == first->digest);
  folder.write("tool", "22");
  CHECK_FALSE(parts.make()->digest == first->digest);
}

}  // namespace liveswap::master
