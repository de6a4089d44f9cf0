"""The harness itself: what fails must be seen to fail, and nothing may be left of it."""

import pathlib
import re
import signal
import sys

from harness import TestCase, processes

HERE = pathlib.Path(__file__).resolve().parent


class Harness(TestCase):
    def run_sample(self, *patterns):
        runner = self.run_process(sys.executable, HERE / "run.py", HERE / "sample.py", *patterns)
        status = runner.wait(60)
        runner.finish_output()
        return status, runner.out.text().split("\n")

    def assert_fails_with(self, pattern, explanation):
        status, lines = self.run_sample(pattern)
        self.assertEqual(status, 1, lines)
        self.assertEqual([line for line in lines if not line.startswith("#")][-1], "1..1")
        self.assertTrue(any(line.startswith("not ok 1") for line in lines), lines)
        self.assertTrue(any(re.search(explanation, line) for line in lines if line.startswith("#")), lines)

    def test_a_test_that_passes_is_ok_and_its_prints_are_no_tap(self):
        self.assertEqual(self.run_sample("passes"), (0, ["ok 1 - passes", "1..1"]))

    def test_a_skipped_test_gives_its_reason(self):
        self.assertEqual(self.run_sample("skipped"), (0, ["ok 1 - skipped # SKIP no % of use here", "1..1"]))

    def test_a_failed_assertion_is_not_ok(self):
        self.assert_fails_with("is_wrong", "one is # not two")

    def test_an_exception_is_not_ok(self):
        self.assert_fails_with("raises", "RuntimeError: boo")

    def test_a_failed_subtest_is_not_ok(self):
        self.assert_fails_with("subtest", r"\(i=1\)")

    def test_a_process_that_was_left_is_not_ok(self):
        self.assert_fails_with("leaves", "sleep 1000")

    def test_a_sanitizers_report_is_not_ok(self):
        self.assert_fails_with("sanitizers", "heap-use-after-free")

    def test_a_test_that_takes_too_long_is_not_ok(self):
        self.assert_fails_with("too_long", "took longer than")

    def test_a_class_that_cannot_be_set_up_is_not_ok(self):
        self.assert_fails_with("never_runs", "nothing is prepared")

    def test_no_test_of_that_name_is_a_failure(self):
        self.assertEqual(self.run_sample("nonesuch"), (1, ["Bail out! no test has such a name"]))

    def test_nothing_is_left_of_what_a_test_started(self):
        self.assertEqual(self.run_sample("cleaned_up")[0], 0)
        self.run_sample("leaves")
        self.assert_nothing_left()

    def test_the_end_of_a_process_is_awaited_by_its_pid(self):
        sleeper = self.run_process("sleep", "1000")
        self.assertTrue(processes.alive(sleeper.pid))
        sleeper.signal(signal.SIGTERM)
        processes.wait_gone(sleeper.pid)
        self.assertEqual(sleeper.wait(), -signal.SIGTERM)
        self.assertFalse(processes.alive(sleeper.pid))

    def test_a_line_is_awaited_also_when_it_came_earlier(self):
        process = self.run_process("sh", "-c", "echo one; echo two >&2; read line", stdin=-1)
        process.wait_line("tw(o)")
        self.assertEqual(process.wait_line("(on)e", stream="out").group(1), "on")
        process.stdin.close()
        self.assertEqual(process.wait(), 1)
        with self.assertRaisesRegex(AssertionError, "no line like 'three' .the stream ended. in:\ntwo"):
            process.wait_line("three")
