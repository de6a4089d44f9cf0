"""The examples of liveswap-worker(7), libliveswap(3) and libliveswap-master(3), as they stand there."""

import os
import signal
import subprocess

from harness import HttpConnection, TestCase, build, http_get
from harness.manual import example, examples
from harness.worker import listen_tcp, start_worker


class PythonWorker(TestCase):
    def start(self):
        path = self.write("worker.py", example("liveswap-worker.7", "#!/usr/bin/env python3"), 0o755)
        self.listener = listen_tcp()
        self.addCleanup(self.listener.close)
        self.address = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        return start_worker(self, path, [self.listener])

    def test_it_serves_and_leaves_when_asked(self):
        worker = self.start()
        for _ in range(5):
            self.assertEqual(http_get(self.address).body, "hello\n")
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0, worker.tail())

    def test_it_finishes_what_it_has_accepted(self):
        worker = self.start()
        with HttpConnection(self.address) as client:
            # It has a thread for what it has accepted.
            self.wait_until(lambda: len(os.listdir(f"/proc/{worker.pid}/task")) == 2)
            worker.signal(signal.SIGTERM)
            self.assertEqual(client.get().body, "hello\n")
        self.assertEqual(worker.wait(), 0, worker.tail())


class Migration(TestCase):
    def test_every_configuration_is_a_good_one(self):
        texts = examples("liveswap-migrate.7", "listeners:", "apps:")
        self.assertGreaterEqual(len(texts), 10)
        for text in texts:
            with self.subTest(text=text):
                file = self.write("liveswap.yaml", text)
                done = subprocess.run([build.program("liveswap"), "-c", file, "--check"], capture_output=True,
                                      text=True, check=False, timeout=30)
                errors = [line for line in done.stderr.splitlines() if " is not there" not in line]
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual([line for line in errors if "error" in line], [])


class CExample(TestCase):
    def test_it_compiles_without_a_warning(self):
        source = self.write("worker.c", example("libliveswap.3", "#include <liveswap/worker.h>"))
        done = subprocess.run(
            [os.environ.get("CC", "cc"), "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", build.SOURCE / "include",
             source], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class MasterExample(TestCase):
    def test_it_compiles_without_a_warning_and_without_any_other_library(self):
        source = self.write("master.cpp", example("libliveswap-master.3", "#include <liveswap/master.hpp>"))
        done = subprocess.run(
            [os.environ.get("CXX", "c++"), "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
             "-I", build.SOURCE / "include", source], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        header = (build.SOURCE / "include/liveswap/master.hpp").read_text(encoding="utf-8")
        included = [line.split("<")[1].rstrip(">") for line in header.splitlines() if line.startswith("#include")]
        self.assertEqual([name for name in included if "." in name or "/" in name], [])
