"""The base of all test cases: a directory, processes, and the promise that nothing of them is left."""

import os
import pathlib
import random
import secrets
import shutil
import tempfile
import unittest

from . import build, processes
from .master import Liveswap
from .processes import Process, kill_left_over, left_over, wait_until

LONG = os.environ.get("LIVESWAP_LONG", "") not in ("", "0")

# Deadlines are for what hangs, not for measuring: sanitized programs and busy machines get more.
SCALE = 3.0 if build.SANITIZED else 1.0


class TestCase(unittest.TestCase):
    """unittest's, with real processes. A test's name, with spaces for underscores, states a fact."""

    maxDiff = None
    longMessage = True
    timeout_s = 120.0  # of one test, times SCALE; a class may set its own

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="liveswap-"))
        self.addCleanup(self._leave)
        self.seed = int(os.environ.get("LIVESWAP_SEED") or secrets.randbits(32))
        self.rng = random.Random(self.seed)
        self._processes = []
        self._count = 0

    # What a test starts.

    def run_process(self, *argv, **options):
        """A Process that ends with the test."""
        process = Process(argv, **{"env": self.environment(), **options})
        self._processes.append(process)
        return process

    def liveswap(self, config, *, start=True, timeout=20.0, **options):
        """A master with this configuration text; started, unless start is False, and every app ready."""
        self._count += 1
        directory = self.directory / f"m{self._count}"
        directory.mkdir()
        options["env"] = {**self._sanitizer_environment(), **(options.get("env") or {})}
        master = Liveswap(directory, config, **options)
        self._processes.append(master)
        if start:
            master.start(timeout * SCALE)
        return master

    def environment(self, **changes):
        return {**os.environ, **self._sanitizer_environment(), **changes}

    def write(self, name, text="", mode=0o644):
        """Writes a file in the test's directory; returns its path."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def script(self, name, text):
        """An executable shell script in the test's directory."""
        return self.write(name, "#!/bin/sh\n" + text, 0o755)

    # What a test waits for and asserts.

    def wait_until(self, predicate, timeout=10.0, what=None):
        return wait_until(predicate, timeout * SCALE, what)

    def assert_nothing_left(self):
        """No process that this test started, and none that those started, lives."""
        self.assertEqual(left_over(), [])

    def ended_well(self, master, timeout=20.0):
        """Stops the master by TERM: status 0, and nothing left behind."""
        self.assertEqual(master.stop(timeout * SCALE), 0, master.process.tail())
        self.assert_nothing_left()

    # Its end.

    def explanation(self):
        """What a failed test shows besides its traceback."""
        parts = [f"seed {self.seed} (LIVESWAP_SEED={self.seed} draws the same)"]
        for started in self._processes:
            process = started.process if isinstance(started, Liveswap) else started
            if process is not None:
                parts.append(f"--- {process.name} ({process.pid}), status {process.status}, its last lines:")
                parts.append(process.tail(60))
        return "\n".join(parts)

    def _sanitizer_environment(self):
        """Reports of sanitized programs go to files here, wherever the program's standard error goes."""
        log = f"log_path={self.directory}/sanitizer:exitcode=99"
        return {"ASAN_OPTIONS": f"{log}:detect_stack_use_after_return=1",
                "UBSAN_OPTIONS": f"{log}:print_stacktrace=1:halt_on_error=1"}

    def _leave(self):
        try:
            kill_left_over()
            for started in reversed(self._processes):
                started.close()
            processes.reap_orphans()
            reports = [path.read_text(errors="replace") for path in sorted(self.directory.glob("sanitizer.*"))]
            if reports:
                raise AssertionError("a sanitizer reported:\n" + "\n".join(reports))
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)
