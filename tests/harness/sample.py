"""Tests that fail in each way in which one can. test_harness.py runs them and looks at the TAP."""

import unittest

from harness import TestCase


class Ways(TestCase):
    def test_passes(self):
        print("what a test prints is no TAP")

    def test_is_wrong(self):
        self.assertEqual(1, 2, "one is # not two")

    def test_raises(self):
        raise RuntimeError("boo")

    @unittest.skip("no # of use here")
    def test_skipped(self):
        pass

    def test_fails_in_a_subtest(self):
        for i in range(3):
            with self.subTest(i=i):
                self.assertNotEqual(i, 1)

    def test_leaves_a_process(self):
        parent = self.run_process("sh", "-c", "setsid sleep 1000 & echo started $! >&2")
        self.assertEqual(parent.wait(), 0)
        parent.wait_line("started")
        self.assert_nothing_left()

    def test_is_cleaned_up_after(self):
        self.run_process("sh", "-c", "sleep 1000")

    def test_finds_a_sanitizers_report(self):
        self.write("sanitizer.1234", "ERROR: AddressSanitizer: heap-use-after-free")


class Slow(TestCase):
    timeout_s = 0.2

    def test_takes_too_long(self):
        self.wait_until(lambda: False, 30)


class Unprepared(TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("nothing is prepared")

    def test_never_runs(self):
        pass
