// Which master a command is for, in folders of the test's own, with sockets that only listen.
#include "ctl/find_master.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "os/sockaddr.hpp"
#include "os/socket.hpp"

namespace liveswap::ctl {
namespace {

class Machine {
 public:
  Machine() {
    REQUIRE(::mkdtemp(root.data()) != nullptr);
    surroundings.root = root;
    surroundings.uid = ::geteuid() == 0 ? 1000 : ::geteuid();  // root's own folders are trusted by everybody
    wanted.folder = root;
  }
  ~Machine() { std::filesystem::remove_all(root); }

  // Something listens there.
  std::string add_master(const std::string& path) {
    const std::string whole = root + path;
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    auto socket = os::open_socket(AF_UNIX, SOCK_STREAM);
    REQUIRE(os::bind_socket(*socket, *os::SocketAddress::unix_path(whole)));
    REQUIRE(os::listen_on(*socket, 8));
    sockets.push_back(std::move(*socket));
    return whole;
  }
  std::string tmp() const { return "/tmp/liveswap-" + std::to_string(surroundings.uid); }

  // The path of the master that was found, or the status and the text of the failure.
  std::string found() {
    const auto client = find_master(wanted, surroundings);
    if (client) return client->path();
    return std::to_string(client.error().status) + " " + client.error().text;
  }

  std::string root = "/tmp/liveswap-find-XXXXXX";
  config::Surroundings surroundings;
  Wanted wanted;
  std::vector<os::OwnedFd> sockets;
};

TEST_CASE("with nothing given it is the one that can be reached, wherever it is") {
  Machine machine;
  const std::string path = machine.add_master(machine.tmp() + "/web/control.sock");
  CHECK(machine.found() == path);
}

TEST_CASE("with nothing given and several there, they are listed") {
  Machine machine;
  const std::string api = machine.add_master("/run/liveswap/api/control.sock");
  const std::string web = machine.add_master("/run/liveswap/web/control.sock");
  CHECK(machine.found() ==
        "2 several masters can be reached; say which one with -n NAME or --control PATH:\n  api  " + api +
            "\n  web  " + web);
  machine.wanted.name = "web";
  CHECK(machine.found() == web);
}

TEST_CASE("with none there, every place that was looked at is told") {
  Machine machine;
  machine.surroundings.env["XDG_RUNTIME_DIR"] = machine.root + "/user";
  CHECK(machine.found() == "3 no master can be reached; tried:\n  " + machine.root +
                               "/user/liveswap/*/control.sock\n  " + machine.root +
                               "/run/liveswap/*/control.sock\n  " + machine.root + machine.tmp() +
                               "/*/control.sock");
  machine.wanted.name = "web";
  CHECK(machine.found() == "3 no master can be reached; tried:\n  " + machine.root +
                               "/user/liveswap/web/control.sock: No such file or directory\n  " +
                               machine.root +
                               "/run/liveswap/web/control.sock: No such file or directory\n  " +
                               machine.root + machine.tmp() + "/web/control.sock: No such file or directory" +
                               "\nwhere its file sets runtime_dir, use -c FILE or --control PATH");
}

TEST_CASE("a socket that nobody listens on is not a master") {
  Machine machine;
  const std::string dead = machine.add_master("/run/liveswap/dead/control.sock");
  machine.sockets.clear();
  CHECK(machine.found().ends_with("\n  " + dead + ": Connection refused"));
  const std::string alive = machine.add_master("/run/liveswap/alive/control.sock");
  CHECK(machine.found() == alive);
}

TEST_CASE("options come before the environment, and the socket before the name") {
  Machine machine;
  const std::string a = machine.add_master("/a.sock");
  const std::string b = machine.add_master("/b.sock");
  const std::string web = machine.add_master("/run/liveswap/web/control.sock");
  machine.wanted.env_name = "web";
  CHECK(machine.found() == web);
  machine.wanted.env_control = "b.sock";
  CHECK(machine.found() == b);
  machine.wanted.name = "web";
  CHECK(machine.found() == web);
  machine.wanted.control = "a.sock";
  CHECK(machine.found() == a);
  machine.wanted.control = "/nowhere.sock";
  CHECK(machine.found() == "3 no master can be reached; tried:\n  /nowhere.sock: No such file or directory");
}

TEST_CASE("a file stands for its name and its control socket") {
  Machine machine;
  const auto write = [&](const std::string& text) { std::ofstream(machine.root + "/site.yaml") << text; };
  const std::string app = "apps:\n  web:\n    command: /bin/true\n";
  const std::string by_name = machine.add_master("/run/liveswap/site/control.sock");
  const std::string by_path = machine.add_master("/own.sock");
  machine.wanted.file = "site.yaml";
  write(app);
  CHECK(machine.found() == by_name);
  write("control: {socket: " + by_path + "}\n" + app);
  CHECK(machine.found() == by_path);
  const std::string by_folder = machine.add_master("/r/control.sock");
  write("runtime_dir: " + machine.root + "/r\n" + app);
  CHECK(machine.found() == by_folder);
  write("user: x\n" + app);
  CHECK(machine.found().starts_with("2 " + machine.root + "/site.yaml:1:1: unknown key \"user\""));
  machine.wanted.file = "none.yaml";
  CHECK(machine.found() == "2 " + machine.root + "/none.yaml: No such file or directory");
}

TEST_CASE("a master whose socket is elsewhere is found by its name through the link that it left") {
  Machine machine;
  const std::string elsewhere = machine.add_master("/elsewhere.sock");
  const std::string folder = machine.root + "/run/liveswap/web";
  std::filesystem::create_directories(folder);
  std::filesystem::create_symlink(elsewhere, folder + "/control.sock");
  CHECK(machine.found() == folder + "/control.sock");
  machine.wanted.name = "web";
  CHECK(machine.found() == folder + "/control.sock");
  machine.sockets.clear();  // it was killed
  CHECK(machine.found().starts_with("3 no master can be reached"));
}

TEST_CASE("a link to a socket that somebody else listens on is passed over" * doctest::skip(::geteuid() != 0)) {
  Machine machine;
  const std::string elsewhere = machine.add_master("/elsewhere.sock");  // root's
  const std::string folder = machine.root + "/run/liveswap/web";
  const std::string link = folder + "/control.sock";
  std::filesystem::create_directories(folder);
  std::filesystem::create_symlink(elsewhere, link);
  machine.wanted.name = "web";
  REQUIRE(::lchown(link.c_str(), 4321, 4321) == 0);
  CHECK(machine.found() == link);  // root may
  machine.sockets.clear();
  REQUIRE(::lchown(link.c_str(), 0, 0) == 0);
  std::filesystem::remove(elsewhere);
  REQUIRE(::chmod(machine.root.c_str(), 0777) == 0);
  REQUIRE(::seteuid(4321) == 0);
  machine.add_master("/elsewhere.sock");  // planted
  REQUIRE(::seteuid(0) == 0);
  CHECK(machine.found().starts_with("3 no master can be reached"));
  machine.wanted.control = link;
  CHECK(machine.found() == link);  // but not where it is named
}

TEST_CASE("all masters are given, also those that may not be reached" * doctest::skip(::geteuid() == 0)) {
  Machine machine;
  const std::string open = machine.add_master("/run/liveswap/open/control.sock");
  const std::string closed = machine.add_master("/run/liveswap/closed/control.sock");
  REQUIRE(::chmod(closed.c_str(), 0) == 0);
  const auto found = find_all(machine.wanted, machine.surroundings);
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK(found->front().path == closed);
  CHECK_FALSE(found->front().client);
  CHECK(failure_of(found->front()).status == kStatusDenied);
}

TEST_CASE("what somebody else may have put there is passed over, unless it is named") {
  Machine machine;
  const std::string planted = machine.add_master(machine.tmp() + "/web/control.sock");
  const std::string folder = machine.root + machine.tmp() + "/web";
  REQUIRE(::chmod(folder.c_str(), 0777) == 0);
  CHECK(machine.found().starts_with("3 no master can be reached"));
  machine.wanted.name = "web";
  CHECK(machine.found().starts_with("3 no master can be reached"));
  machine.wanted.control = planted;
  CHECK(machine.found() == planted);
  machine.wanted.control.reset();
  REQUIRE(::chmod(folder.c_str(), 0755) == 0);
  CHECK(machine.found() == planted);
  machine.wanted.name.reset();
  CHECK(machine.found() == planted);
  const std::string parent = machine.root + machine.tmp();
  std::filesystem::rename(parent, machine.root + "/elsewhere");
  std::filesystem::create_directory_symlink(machine.root + "/elsewhere", parent);
  CHECK(machine.found().starts_with("3 no master can be reached"));
}

TEST_CASE("a service user's master is found where root made its folder" * doctest::skip(::geteuid() != 0)) {
  Machine machine;
  const std::string web = machine.add_master("/run/liveswap/web/control.sock");
  const std::string folder = machine.root + "/run/liveswap/web";
  REQUIRE(::chown(folder.c_str(), 4321, 4321) == 0);
  CHECK(machine.found() == web);
  REQUIRE(::chown((machine.root + "/run/liveswap").c_str(), 4321, 4321) == 0);
  CHECK(machine.found().starts_with("3 no master can be reached"));
}

TEST_CASE("a socket that may not be reached is a matter of permission" * doctest::skip(::geteuid() == 0)) {
  Machine machine;
  const std::string path = machine.add_master("/closed.sock");
  REQUIRE(::chmod(path.c_str(), 0) == 0);
  machine.wanted.control = path;
  CHECK(machine.found() == "4 no right to reach " + path + ": connect(" + path + "): Permission denied");
}

TEST_CASE("a master has a name for people by its path") {
  CHECK(name_by_path("/run/liveswap/web/control.sock") == "web");
  CHECK(name_by_path("/own.sock") == "/own.sock");
}

}  // namespace
}  // namespace liveswap::ctl
