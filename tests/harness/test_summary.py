"""The last line of ./dev test: real meson, on a small project whose tests end in each way in which a test can."""

import pathlib
import subprocess
import sys

from harness import TestCase

SUMMARY = pathlib.Path(__file__).resolve().parent / "summary.py"

PROJECT = """
project('liveswap')
sh = find_program('sh')
foreach name, script : {
%s
}
  test(name, sh, args: ['-c', script], suite: 'unit', protocol: 'tap', timeout: 1)
endforeach
test('plain', sh, args: ['-c', 'exit %d'], suite: 'tidy')
"""


class Summary(TestCase):
    def summary_of(self, plain_status=0, **scripts):
        """(status, lines) of the summary of a project with these TAP scripts as tests."""
        rows = "\n".join(f"  {name!r}: '''{script}'''," for name, script in scripts.items())
        source = self.write("project/meson.build", PROJECT % (rows, plain_status)).parent
        build = self.directory / "build"
        for command in (["setup", build, source], ["test", "-C", build]):
            subprocess.run(["meson", *command], env=self.environment(), capture_output=True, check=False, timeout=60)
        run = subprocess.run([sys.executable, SUMMARY, build], capture_output=True, text=True, check=False, timeout=60)
        return run.returncode, run.stdout.splitlines()

    def test_every_case_counts_and_all_is_well(self):
        status, lines = self.summary_of(one="echo ok 1 - a; echo ok 2 - b; echo 1..2")
        self.assertEqual((status, lines), (0, ["3 passed, 0 failed"]))

    def test_a_skip_is_named_with_its_reason(self):
        status, lines = self.summary_of(one="echo ok 1 - a; echo \"ok 2 - b # SKIP no cgroups\"; echo 1..2")
        self.assertEqual((status, lines), (0, ["skipped one: b: no cgroups", "2 passed, 0 failed, 1 skipped"]))

    def test_a_failed_case_shows_why(self):
        status, lines = self.summary_of(
            one="echo ok 1 - a; echo \"# because\"; echo not ok 2 - b; echo 1..2; echo noise >&2; exit 1")
        self.assertEqual(status, 1)
        self.assertEqual(lines[:2], ["FAILED one: b", "    # because"])
        self.assertIn("    noise", lines)
        self.assertEqual(lines[-1], "2 passed, 1 failed")

    def test_a_program_that_crashes_after_good_cases_is_a_failure(self):
        status, lines = self.summary_of(one="echo ok 1 - a; echo ok 2 - b; kill -SEGV $$")
        self.assertEqual((status, lines[-1]), (1, "3 passed, 1 failed"))
        self.assertRegex(lines[0], "FAILED one: ended with ERROR, status -11")

    def test_a_program_that_fails_with_good_cases_only_is_a_failure(self):
        status, lines = self.summary_of(one="echo ok 1 - a; echo 1..1; exit 23")
        self.assertEqual((status, lines[-1]), (1, "2 passed, 1 failed"))

    def test_a_program_that_runs_out_of_time_is_a_failure(self):
        status, lines = self.summary_of(one="echo ok 1 - a; sleep 30")
        self.assertEqual((status, lines[-1]), (1, "2 passed, 1 failed"))
        self.assertRegex(lines[0], "FAILED one: ended with TIMEOUT")

    def test_fewer_cases_than_planned_is_a_failure(self):
        status, lines = self.summary_of(one="echo 1..2; echo ok 1 - a")
        self.assertEqual((status, lines[-1]), (1, "2 passed, 1 failed"))

    def test_a_program_that_says_nothing_is_a_failure_only_if_it_fails(self):
        status, lines = self.summary_of(one="exit 1")
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))

    def test_a_plain_test_that_fails_is_a_failure(self):
        status, lines = self.summary_of(plain_status=1, one="echo ok 1 - a; echo 1..1")
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))

    def test_control_characters_do_no_harm(self):
        status, lines = self.summary_of(one="echo ok 1 - a; printf \"# \\\\033[1m \\\\001 \\\\377\\\\n\"; echo 1..1")
        self.assertEqual((status, lines[-1]), (0, "2 passed, 0 failed"))

    def test_a_folder_without_results_is_a_failure(self):
        run = subprocess.run([sys.executable, SUMMARY, self.directory], capture_output=True, text=True, check=False,
                             timeout=60)
        self.assertEqual((run.returncode, run.stdout.splitlines()[-1]), (1, "0 passed, 1 failed"))
