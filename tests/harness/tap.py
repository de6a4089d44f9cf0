"""Runs unittest test cases and prints TAP: a line a test, what explains a failure as `#` lines above it."""

import os
import signal
import sys
import unittest

from .case import SCALE


class TestTimeout(BaseException):
    """A test took longer than its class allows. Not an Exception: no test's `except` may swallow it."""


def _raise_timeout(_signal, _frame):
    raise TestTimeout()


def _one_line(text):
    return " ".join(text.replace("#", "%").split())


def name_of(test):
    """The fact that a test states: its method's name with spaces."""
    method = getattr(test, "_testMethodName", None)
    if method is None:
        return str(test)
    return method.removeprefix("test_").replace("_", " ")


class TapResult(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self._out = out
        self._failed = set()
        self.number = 0
        self.bad = 0

    def comment(self, text):
        for line in text.rstrip("\n").split("\n"):
            # Only what any terminal and any XML can show; the rest as escapes.
            shown = "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line)
            print(f"# {shown}", file=self._out, flush=True)

    def _line(self, ok, test, directive=""):
        self.number += 1
        self.bad += not ok
        suffix = f" # {directive}" if directive else ""
        print(f"{'ok' if ok else 'not ok'} {self.number} - {_one_line(name_of(test))}{suffix}", file=self._out,
              flush=True)

    def _explain(self, test, error):
        self.comment(self._exc_info_to_string(error, test))
        if error[0] is TestTimeout:
            self.comment(f"took longer than {test.timeout_s * SCALE:g} s")
        if test.id() not in self._failed and hasattr(test, "explanation") and hasattr(test, "seed"):
            self.comment(test.explanation())
        self._failed.add(test.id())

    def startTest(self, test):
        super().startTest(test)
        self._failed.discard(test.id())
        # A test that takes too long is ended by an exception inside it, so that its cleanups run.
        signal.setitimer(signal.ITIMER_REAL, getattr(test, "timeout_s", 120.0) * SCALE)

    def stopTest(self, test):
        signal.setitimer(signal.ITIMER_REAL, 0)
        # A failed test is told once, at its end: its body and its cleanups may both have failed.
        if test.id() in self._failed:
            self._line(False, test)
        super().stopTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._line(True, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._explain(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._explain(test, err)
        if not hasattr(test, "_testMethodName"):  # setUpClass and the like: no test is running
            self._line(False, test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.comment(str(subtest))
            self._explain(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line(True, test, f"SKIP {_one_line(reason)}")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.comment("passed, and should have failed")
        self._failed.add(test.id())


def _flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flat(test)
        else:
            yield test


def run(module, patterns):
    """Runs a module's test cases, or those with a pattern in their name; returns the exit status."""
    # TAP has the real standard output to itself: whatever else is written there goes to standard error.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, _raise_timeout)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    result = TapResult(out)
    tests = [test for test in _flat(unittest.defaultTestLoader.loadTestsFromModule(module))
             if not patterns or any(pattern in test.id() or pattern in name_of(test) for pattern in patterns)]
    if not tests:
        print("Bail out! no test has such a name", file=out, flush=True)
        return 1
    unittest.TestSuite(tests).run(result)
    print(f"1..{result.number}", file=out, flush=True)
    return 1 if result.bad else 0
