"""Under systemd, as far as that can be had without one: its notification socket is the test's, and it reads the units.

No systemd runs here."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import unittest

from harness import SCALE, TestCase, build

CONFIG = f"""listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: [{build.program("http_worker")}]
    workers: 2
    ready: {{timeout: 45s}}
shutdown: {{timeout: 33s}}
"""


class Systemd(TestCase):
    def started(self, *args, **env):
        path = self.directory / "systemd"
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.systemd.close)
        self.systemd.bind(str(path))
        self.systemd.settimeout(20.0 * SCALE)
        return self.liveswap(CONFIG, start=False, env={"NOTIFY_SOCKET": str(path), **env}, args=args).launch()

    def heard(self, until):
        """All that comes, up to the one that begins like this."""
        messages = []
        while not messages or not messages[-1].startswith(until):
            messages.append(self.systemd.recv(4096).decode())
        return messages

    def a_life(self, *args):
        web = self.started(*args)
        messages = self.heard("READY=1")
        self.assertEqual(messages[0], "EXTEND_TIMEOUT_USEC=55000000")
        self.assertEqual(messages[-1], "READY=1\nSTATUS=web g1 2/2 ready")
        web.ctl("upgrade", status=0)
        self.assertIn("STATUS=web g1 2/2 ready, upgrading", self.heard("STATUS=web g2 2/2 ready"))
        web.process.signal(signal.SIGTERM)
        self.assertEqual(self.heard("EXTEND_TIMEOUT_USEC")[-2:], ["STOPPING=1\nSTATUS=draining",
                                                                  "EXTEND_TIMEOUT_USEC=53000000"])
        self.assertEqual(web.process.wait(30.0 * SCALE), 0)

    def test_it_hears_of_a_life_from_the_guardian(self):
        self.a_life()

    def test_it_hears_of_a_life_from_a_master_without_one(self):
        self.a_life("--no-guardian")

    def test_its_watchdog_hears_of_a_living_master_and_of_no_other(self):
        web = self.started(WATCHDOG_USEC="200000")
        self.heard("READY=1")
        self.heard("WATCHDOG=1")
        old = web.pid
        os.kill(old, signal.SIGSTOP)
        self.addCleanup(lambda: web.process.signal(signal.SIGKILL))
        while True:
            self.systemd.settimeout(1.0)
            try:
                self.systemd.recv(4096)
            except socket.timeout:
                break
        self.systemd.settimeout(20.0 * SCALE)
        os.kill(old, signal.SIGKILL)  # and the next one is alive
        self.heard("WATCHDOG=1")
        web.ctl("shutdown", status=0)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_it_understands_the_units(self):
        folder = self.directory / "units"
        folder.mkdir()
        for unit in ("liveswap.service", "liveswap@.service"):
            text = (pathlib.Path(build.BUILD) / "systemd" / unit).read_text(encoding="utf-8")
            for program in ("liveswapctl", "liveswap"):
                text = text.replace(f"/usr/local/bin/{program} ", build.program(program) + " ")
            (folder / unit.replace("@", "@web")).write_text(text, encoding="utf-8")
        verified = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(str, folder.iterdir())],
                                  capture_output=True, text=True, timeout=60, check=False)
        ours = [line for line in verified.stderr.splitlines() if "liveswap" in line]
        self.assertEqual((verified.returncode, ours), (0, []), verified.stderr)
