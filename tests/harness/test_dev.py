"""./dev on machines that lack things: what it installs and says, with stand-ins for the commands that would do it."""

import os
import shutil
import subprocess

from harness import TestCase, build

TOOLS = ("bash", "env", "dirname", "grep", "cat", "rm", "sed", "sort")
# Each stand-in writes how it was called into $LOG.
STAND_IN = 'echo "$(basename "$0") $*" >> "$LOG"\n'


class Dev(TestCase):
    def setUp(self):
        super().setUp()
        self.bin = self.directory / "bin"
        self.bin.mkdir()
        for tool in (*TOOLS, "basename"):
            (self.bin / tool).symlink_to(shutil.which(tool))
        shutil.copy(build.SOURCE / "dev", self.directory / "dev")
        self.log = self.directory / "log"
        self.log.touch()
        self.stand_in("id", "echo 0\n")
        self.stand_in("apt-get", STAND_IN)
        self.stand_in("meson", STAND_IN + "echo a reason; exit 1\n")
        self.installed("g++ meson ninja-build pkg-config libuv1-dev libyaml-cpp-dev libcxxopts-dev doctest-dev "
                       "libfmt-dev nlohmann-json3-dev python3 mandoc shellcheck")

    def stand_in(self, name, text):
        self.script(f"bin/{name}", text)

    def installed(self, packages):
        """dpkg-query tells of these packages, and of one that was removed, as the real one does."""
        lines = "".join(f"{package} installed\\n" for package in packages.split())
        self.stand_in("dpkg-query", f"printf '{lines}removed config-files\\n'; exit 1\n")

    def run_dev(self, *arguments):
        run = subprocess.run([self.directory / "dev", *arguments], capture_output=True, text=True, check=False,
                             env={"PATH": str(self.bin), "LOG": str(self.log)}, stdin=subprocess.DEVNULL, timeout=60)
        return run.returncode, run.stdout + run.stderr

    def calls(self):
        return self.log.read_text(encoding="utf-8").splitlines()

    def test_with_nothing_missing_nothing_is_installed(self):
        status, said = self.run_dev("lint")
        self.assertEqual([call.split()[0] for call in self.calls()], ["meson"])
        self.assertNotIn("install", said)
        self.assertEqual(status, 1)

    def test_what_is_missing_is_told_and_installed(self):
        self.installed("g++ meson ninja-build pkg-config libyaml-cpp-dev libcxxopts-dev doctest-dev python3 mandoc")
        _, said = self.run_dev("lint")
        self.assertIn("installing Debian packages: libuv1-dev libfmt-dev nlohmann-json3-dev shellcheck\n", said)
        self.assertEqual([call.split()[-4:] for call in self.calls() if "update" not in call and "apt" in call],
                         [["libuv1-dev", "libfmt-dev", "nlohmann-json3-dev", "shellcheck"]])
        self.assertRegex(self.calls()[0], "^apt-get .*update$")

    def test_without_root_sudo_is_asked(self):
        self.installed("g++")
        self.stand_in("id", "echo 1000\n")
        self.stand_in("sudo", STAND_IN + 'exec "$@"\n')
        self.run_dev("demo")
        self.assertRegex(self.calls()[0], "^sudo env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1 "
                                          "apt-get .*update$")

    def test_without_root_and_sudo_it_says_what_to_install(self):
        self.installed("g++ meson ninja-build pkg-config libuv1-dev libyaml-cpp-dev libcxxopts-dev python3")
        self.stand_in("id", "echo 1000\n")
        status, said = self.run_dev("demo")
        self.assertEqual((status, said), (1, "./dev: these packages are missing, and there is no sudo; as root: "
                                          "apt-get install doctest-dev libfmt-dev nlohmann-json3-dev\n"))

    def test_a_failed_installation_is_an_error(self):
        self.installed("g++")
        self.stand_in("apt-get", "exit 100\n")
        status, said = self.run_dev("test")
        self.assertEqual(status, 1)
        self.assertIn("./dev: apt-get could not install: meson", said)

    def test_where_there_is_no_dpkg_it_goes_on(self):
        os.unlink(self.bin / "dpkg-query")
        _, said = self.run_dev("demo")
        self.assertIn("this is no Debian", said)
        self.assertEqual([call.split()[0] for call in self.calls()], ["meson"])

    def test_a_failed_configuration_shows_why_and_leaves_nothing(self):
        status, said = self.run_dev("demo")
        self.assertEqual(status, 1)
        self.assertIn("a reason\n./dev: meson could not configure build/\n", said)
        self.assertFalse((self.directory / "build").exists() or (self.directory / "build.log").exists())

    def configured_fuzzers(self, **endings):
        """A sanitized build that is there, with stand-ins for its fuzzers: name -> exit status."""
        for path in ("build-asan/build.ninja", "build-asan/meson-private/build.dat"):
            self.write(path)
        listed = "".join(f"liveswap:fuzz / fuzz/{name}\\n" for name in endings)
        self.stand_in("meson", STAND_IN + f"printf '{listed}'\n")
        self.stand_in("ninja", STAND_IN)
        for name, status in endings.items():
            self.script(f"build-asan/tests/fuzz/fuzz_{name}", f"{STAND_IN}exit {status}\n")

    def fuzzed(self):
        return [call for call in self.calls() if call.startswith("fuzz_")]

    def test_fuzz_builds_and_runs_every_fuzzer_for_as_long_as_asked(self):
        self.configured_fuzzers(channel=0, json=0)
        status, said = self.run_dev("fuzz", "3")
        self.assertEqual(status, 0, said)
        self.assertIn("ninja -C build-asan --quiet tests/fuzz/fuzz_channel tests/fuzz/fuzz_json", self.calls())
        self.assertEqual(self.fuzzed(), [f"fuzz_{name} --seconds 3 {self.directory}/tests/fuzz/corpus/{name}"
                                         for name in ("channel", "json")])
        self.assertIn("2 fuzzers ran, 0 failed\n", said)

    def test_fuzz_runs_those_that_are_named_a_minute_long(self):
        self.configured_fuzzers(channel=0, json=0)
        self.assertEqual(self.run_dev("fuzz", "js")[0], 0)
        self.assertEqual(self.fuzzed(), [f"fuzz_json --seconds 60 {self.directory}/tests/fuzz/corpus/json"])
        status, said = self.run_dev("fuzz", "1", "yaml")
        self.assertEqual(status, 1)
        self.assertTrue(said.endswith("./dev: no fuzzer has such a name: yaml\n"), said)

    def test_fuzz_goes_on_after_a_fuzzer_that_fails_and_says_which(self):
        self.configured_fuzzers(channel=1, json=0)
        status, said = self.run_dev("fuzz", "1")
        self.assertEqual(status, 1)
        self.assertEqual(len(self.fuzzed()), 2)
        self.assertIn("2 fuzzers ran, 1 failed: channel\n", said)

    def test_wrong_usage_is_status_2(self):
        for words in ([], ["nonsense"], ["test", "--nonsense"]):
            with self.subTest(words=words):
                status, said = self.run_dev(*words)
                self.assertEqual(status, 2)
                self.assertIn("usage: ./dev demo", said)
        self.assertEqual(self.run_dev("--help")[0], 0)
