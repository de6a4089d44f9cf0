#include "master/options.hpp"

#include <doctest/doctest.h>

using liveswap::master::Options;
using liveswap::master::parse_options;

namespace {

std::string problem_of(std::vector<std::string> words) {
  const auto options = parse_options(std::move(words));
  return options ? std::string("no problem") : options.error();
}

}  // namespace

TEST_CASE("without options the file is ./liveswap.yaml") {
  const auto options = parse_options({});
  REQUIRE(options);
  CHECK(options->file == "liveswap.yaml");
  CHECK(options->mode == Options::Mode::run);
}

TEST_CASE("a target takes its own arguments after --") {
  const auto options = parse_options({"-s", "./server", "-f", "4", "-l", "http=tcp://127.0.0.1:0", "-l", "unix:/run/a",
                                      "--", "--check", "-c", "x"});
  REQUIRE(options);
  CHECK(options->mode == Options::Mode::run);
  CHECK(options->target == "./server");
  CHECK(options->forks == 4);
  CHECK(options->listeners == std::vector<std::string>{"http=tcp://127.0.0.1:0", "unix:/run/a"});
  CHECK(options->arguments == std::vector<std::string>{"--check", "-c", "x"});
}

TEST_CASE("misplaced options say where they belong") {
  CHECK(problem_of({"-f", "4"}) == "-f needs -s TARGET, or -H FILE; with a file it is `workers:`");
  CHECK(problem_of({"-l", "tcp://:80"}) == "-l needs -s TARGET, or -H FILE; with a file it is `listeners:`");
  CHECK(problem_of({"--", "a"}) ==
        "what stands after -- needs -s TARGET, or -H FILE; with a file it is part of `command:`");
  CHECK(problem_of({"-p", "3000"}) == "-p needs -s TARGET, or -H FILE");
  CHECK(problem_of({"-a", "::1"}) == "-a needs -s TARGET, or -H FILE");
  CHECK(problem_of({"--pre-upgrade", "x"}) ==
        "--pre-upgrade needs -s TARGET, or -H FILE; with a file it is `hooks.pre_upgrade:`");
  CHECK(problem_of({"-c", "a.yaml", "-s", "b"}) == "-c and -s exclude each other");
  CHECK(problem_of({"web.yaml"}) == "unexpected argument \"web.yaml\"; a file is given with -c, a program with -s");
  CHECK(problem_of({"-c", "a.yaml", "-c", "b.yaml"}) == "--config is given twice");
  CHECK(problem_of({"-n", "a"}) == "-n needs -s TARGET, or -H FILE; with a file it is `name:`");
  CHECK(problem_of({"--control", "a"}) == "--control needs -s TARGET, or -H FILE; with a file it is `control.socket:`");
  CHECK(problem_of({"-z"}) == "-z needs -s TARGET, or -H FILE");
  CHECK(problem_of({"-c", "a.yaml", "-H", "HEAD"}) == "-c and -H exclude each other");
  CHECK(problem_of({"-s", "a.js", "b.js"}) ==
        "unexpected argument \"b.js\"; what is meant for the target stands after --");
  CHECK(problem_of({"-s", "a", "-z", "-z"}) == "-z is given twice");
}

TEST_CASE("options that do not exist, or lack their value, are errors") {
  CHECK(problem_of({"--chekc"}).find("chekc") != std::string::npos);
  CHECK(problem_of({"-c"}).find("missing an argument") != std::string::npos);
  CHECK(problem_of({"-s", "x", "-f", "many"}).find("many") != std::string::npos);
}

TEST_CASE("help and version win over everything else") {
  CHECK(parse_options({"-v", "-c", "x"})->mode == Options::Mode::version);
  CHECK(parse_options({"stray", "-h"})->mode == Options::Mode::help);
}

TEST_CASE("a short form becomes a command of liveswapctl") {
  using Words = std::vector<std::string>;
  const auto order = [](Words words) {
    const auto options = parse_options(std::move(words));
    REQUIRE(options);
    CHECK(options->mode == Options::Mode::order);
    return options->order;
  };
  CHECK(order({"-u"}) == Words{"upgrade", "--all"});
  CHECK(order({"--upgrade"}) == Words{"upgrade", "--all"});
  for (const Words& words :
       {Words{"-u", "./b c.js"}, {"-u./b c.js"}, {"--upgrade", "./b c.js"}, {"--upgrade=./b c.js"}}) {
    CHECK(order(words) == Words{"upgrade", "--target", "./b c.js"});
  }
  CHECK(order({"-k"}) == Words{"restart", "--all", "--now"});
  CHECK(order({"--die"}) == Words{"shutdown", "--now"});
  CHECK(order({"-m", "new keys"}) == Words{"message", "--", "new keys"});
  CHECK(order({"-m", "-x"}) == Words{"message", "--", "-x"});
  CHECK(order({"--message=--help"}) == Words{"message", "--", "--help"});
  CHECK(order({"-n", "web", "-u", "--control", "a,b"}) ==
        Words{"--name", "web", "--control", "a,b", "upgrade", "--all"});
}

TEST_CASE("what does not go with a short form is told") {
  CHECK(problem_of({"-s", "x", "-d"}) ==
        "-d is --die: it asks the liveswap that runs to end, with all its workers; -s starts one, which stays in the "
        "foreground");
  CHECK(problem_of({"-c", "x", "-d"}) ==
        "-d is --die: it asks the liveswap that runs to end, with all its workers; -c starts one, which stays in the "
        "foreground");
  CHECK(problem_of({"-u", "b.js", "-s", "x"}) ==
        "-u is --upgrade: it asks the liveswap that runs to upgrade; -s starts one, which stays in the foreground");
  CHECK(problem_of({"-H", "x", "-u"}).find("-H starts one") != std::string::npos);
  CHECK(problem_of({"-u", "-k"}) == "-k and -u exclude each other: one at a time");
  CHECK(problem_of({"-u", "a.js", "b.js"}) == "-u takes one argument; \"b.js\" is a second one");
  CHECK(problem_of({"-u", "a.js", "-u"}) == "--upgrade is given twice");
  CHECK(problem_of({"-k", "a.js"}) == "-k takes no argument; \"a.js\" is one");
  CHECK(problem_of({"-u", ""}) == "-u: what follows it is empty");
  CHECK(problem_of({"-k", "-f", "2"}) ==
        "-f does not go with -k, which asks the liveswap that runs to end its workers and start them again");
  CHECK(problem_of({"-k", "--check"}).starts_with("-t does not go with -k"));
  CHECK(problem_of({"-u", "--", "a"}) == "arguments after -- do not go with -u");
}

TEST_CASE("a value may hold a comma") {
  CHECK(parse_options({"-s", "x", "-l", "unix:/run/a,b"})->listeners == std::vector<std::string>{"unix:/run/a,b"});
}

TEST_CASE("HEAD alone is enough, and zero-downtime can be switched off") {
  const auto options = parse_options({"-H", "HEAD", "-z", "--", "-x"});
  REQUIRE(options);
  CHECK(options->head == "HEAD");
  CHECK_FALSE(options->target);
  CHECK(options->by_target());
  CHECK(options->file.empty());
  CHECK_FALSE(options->overlap);
  CHECK(options->arguments == std::vector<std::string>{"-x"});
}
