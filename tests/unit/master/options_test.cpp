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
  CHECK(problem_of({"-f", "4"}) == "-f needs -s TARGET; with a file it is `workers:`");
  CHECK(problem_of({"-l", "tcp://:80"}) == "-l needs -s TARGET; with a file it is `listeners:`");
  CHECK(problem_of({"--", "a"}) == "arguments after -- need -s TARGET; with a file they are part of `command:`");
  CHECK(problem_of({"-c", "a.yaml", "-s", "b"}) == "-c and -s exclude each other");
  CHECK(problem_of({"web.yaml"}) == "unexpected argument \"web.yaml\"; a file is given with -c, a program with -s");
  CHECK(problem_of({"-c", "a.yaml", "-c", "b.yaml"}) == "--config is given twice");
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
