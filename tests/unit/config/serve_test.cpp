// The `serve:` section: sockets for other programs.
#include <string>

#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

const std::string kRest =
    "listeners: {http: tcp://:80, admin: unix:/run/admin.sock}\napps: {web: {command: ./s, listeners: [http]}}\n";

// The first error's line: position, key, message.
std::string complaint(const std::string& serve) {
  const auto text = told("serve: {" + serve + "}\n" + kRest);
  return text.substr(0, text.find('\n'));
}

}  // namespace

TEST_CASE("serve: paths are below the file's folder, and nothing is served unless it is asked for") {
  const auto plan = plan_of("serve:\n  haproxy: ha.sock\n  uwsgi: /run/zerg.sock\n"
                            "  multibinder:\n    socket: mb.sock\n"
                            "    allow_bind: [\"tcp://127.0.0.1:81\", \"tcp://[::1]:82\"]\n" +
                            kRest);
  CHECK(plan.serve.haproxy == "/home/me/ha.sock");
  CHECK(plan.serve.uwsgi == "/run/zerg.sock");
  REQUIRE(plan.serve.multibinder);
  CHECK(plan.serve.multibinder->socket == "/home/me/mb.sock");
  REQUIRE(plan.serve.multibinder->allow_bind.size() == 2);
  CHECK(plan.serve.multibinder->allow_bind[1].port == 82);
  CHECK(plan_of("serve: {}\n" + kRest).serve == core::ServePlan{});
  CHECK_FALSE(plan_of(kRest).serve.serves());
}

TEST_CASE("serve: a listener that no app lists is for whom it is served to") {
  CHECK(told(kRest).contains("listeners.admin: no app lists it"));
  CHECK(told("serve: {haproxy: ha.sock}\n" + kRest) == "");
}

TEST_CASE("serve: no path stands twice") {
  CHECK(complaint("haproxy: x, uwsgi: ./x") ==
        "web.yaml:1:28: serve.uwsgi: \"/home/me/x\" is the path of serve.haproxy already");
  CHECK(complaint("haproxy: x, multibinder: {socket: x}") ==
        "web.yaml:1:43: serve.multibinder.socket: \"/home/me/x\" is the path of serve.haproxy already");
  CHECK(complaint("uwsgi: /run/admin.sock") ==
        "web.yaml:1:16: serve.uwsgi: \"/run/admin.sock\" is the path of listener \"admin\" already");
  CHECK(told("control: {socket: c}\nserve: {uwsgi: c}\n" + kRest)
            .starts_with("web.yaml:2:16: serve.uwsgi: \"/home/me/c\" is the path of the control socket already\n"));
}

TEST_CASE("serve: what is not meant is told with its place") {
  const std::string long_path = "/" + std::string(107, 'x');
  CHECK(complaint("haproxy: " + long_path).ends_with("is too long for a socket: 108 bytes, and the kernel takes 107"));
  CHECK(complaint("haproxi: x") == "web.yaml:1:9: unknown key \"haproxi\" (did you mean \"haproxy\"?)");
  CHECK(complaint("multibinder: {}") == "web.yaml:1:22: serve.multibinder.socket: is needed");
  CHECK(complaint("multibinder: mb.sock") ==
        "web.yaml:1:22: serve.multibinder: a map of keys is needed here, not a value");
  CHECK(complaint("multibinder: {socket: mb, allow_bind: unix:x}") ==
        "web.yaml:1:47: serve.multibinder.allow_bind: \"unix:x\" is not tcp");
  CHECK(complaint("multibinder: {socket: mb, allow_bind: web}")
            .starts_with("web.yaml:1:47: serve.multibinder.allow_bind: \"web\" is not an address"));
}

TEST_CASE("serve: uWSGI takes no more sockets than one message can carry") {
  std::string listeners = "listeners:\n  many:\n";
  for (int port = 1; port <= 254; ++port) listeners += "    - tcp://127.0.0.1:" + std::to_string(port) + "\n";
  const std::string rest = listeners + "apps: {web: {command: ./s}}\n";
  CHECK(told("serve: {uwsgi: x}\n" + rest)
            .starts_with("web.yaml:1:16: serve.uwsgi: uWSGI takes at most 253 sockets at a time, and the listeners "
                         "have 254\n"));
  CHECK(told("serve: {haproxy: x}\n" + rest) == "");
}
