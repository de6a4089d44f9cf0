"""What an operator sees on a terminal: progress drawn in place, colors, widths, and how it ends."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

from harness import HttpConnection, TestCase, build
from harness.processes import wait_readable

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Screen:
    """What a terminal of so many columns shows after these bytes; knows what liveswapctl uses and nothing else."""

    def __init__(self, columns):
        self.columns = columns
        self.lines = [""]
        self.row = 0
        self.written = 0  # columns of this row

    def feed(self, text):
        for drawn in re.findall(r"[^\r\n]*(?=\x1b\[K)", text):  # what is drawn again must not have been wrapped
            if len(ESCAPE.sub("", drawn)) >= self.columns:
                raise AssertionError(f"{drawn!r} does not fit {self.columns} columns")
        for piece in re.findall(r"\x1b\[\d+A|\x1b\[K|\x1b\[[0-9;]*m|\r|\n|[^\x1b\r\n]+|\x1b", text):
            if piece == "\x1b":
                raise AssertionError(f"an escape code that is none of ours in {text!r}")
            if piece.endswith("A") and piece.startswith("\x1b"):
                self.row -= int(piece[2:-1])
            elif piece == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif piece == "\x1b[K":
                self.lines[self.row] = self.lines[self.row][:self.written]
            elif piece == "\r":
                self.written = 0
            elif not piece.startswith("\x1b"):
                line = self.lines[self.row]
                self.lines[self.row] = line[:self.written] + piece + line[self.written + len(piece):]
                self.written += len(piece)


class Terminal(TestCase):
    def setUp(self):
        super().setUp()
        self.master = self.liveswap(f"""
listeners:
  http: tcp://127.0.0.1:0
apps:
  web:
    command: [{build.program('http_worker')}]
    workers: 3
""")

    def start(self, *command, columns=80, rows=24, **environment):
        """liveswapctl on a terminal of that size."""
        controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen(
            [build.program("liveswapctl"), "--control", self.master.control, *command], stdin=terminal, stdout=terminal,
            stderr=terminal, env={**self.environment(TERM="xterm"), **environment}, process_group=0)
        os.close(terminal)
        said = []
        reader = threading.Thread(target=self.read, args=(controller, said), daemon=True)
        reader.start()
        self.addCleanup(self.end, process, reader, controller)
        return process, reader, said

    @staticmethod
    def read(controller, said):
        try:
            while data := os.read(controller, 65536):
                said.append(data.decode())
        except OSError:
            pass

    @staticmethod
    def end(process, reader, controller):
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join(10)
        os.close(controller)

    def see(self, *command, status, **options):
        """The lines of the screen when the command has ended, and all that was written."""
        process, reader, said = self.start(*command, **options)
        self.assertEqual(process.wait(60), status, "".join(said))
        reader.join(10)
        screen = Screen(options.get("columns", 80))
        screen.feed("".join(said).replace("\r\n", "\n\r"))
        return [line.rstrip() for line in screen.lines if line.strip()], "".join(said)

    def test_an_upgrade_ends_with_a_line_for_each_worker_and_what_serves(self):
        with HttpConnection(self.master.address("http")) as kept:
            kept.get()
            lines, _ = self.see("upgrade", status=0)
        self.assertEqual(lines[-1], "web: r2 (g2) serves: 3 of 3 workers ready")
        states = {match[1]: match[2] for line in lines if (match := re.match(r"  (web/\d g\d) +(\w+)", line))}
        self.assertEqual({worker: states[worker] for worker in ("web/0 g2", "web/1 g2", "web/2 g2")},
                         {"web/0 g2": "ready", "web/1 g2": "ready", "web/2 g2": "ready"})
        self.assertEqual(set(states), {f"web/{slot} g{generation}" for slot in range(3) for generation in (1, 2)})

    def test_a_failure_stays_on_the_screen_below_the_workers(self):
        dies = self.script("dies", "echo no module named x >&2\nexit 3\n")
        lines, _ = self.see("upgrade", "--", str(dies), status=1)
        at = next(i for i, line in enumerate(lines) if line.startswith("liveswapctl: web: rolled back: "))
        self.assertIn("    | no module named x", lines[at:])
        self.assertIn("  r1 (g1) serves: 3 of 3 workers ready", lines[at:])

    def test_narrow_terminals_and_many_workers_fit(self):
        self.master.ctl("scale", "30", status=0)
        for columns, rows in ((40, 10), (20, 5)):
            lines, _ = self.see("restart", status=0, columns=columns, rows=rows)
            self.assertTrue(any(line.startswith("  and ") for line in lines), lines)
            lines, _ = self.see("status", "web", status=0, columns=columns, rows=rows)
            self.assertLessEqual(max(map(len, lines)), columns)

    def test_colors_are_for_terminals_that_want_them(self):
        self.assertIn("\x1b[32m3/3 ready\x1b[0m", self.see("status", status=0)[1])
        self.assertNotIn("\x1b", self.see("status", status=0, NO_COLOR="1")[1])
        self.assertNotIn("\x1b", self.see("upgrade", status=0, TERM="dumb")[1])
        self.assertNotIn("\x1b", self.master.ctl("upgrade", status=0).out)

    def test_an_interrupt_leaves_the_rollout_and_the_terminal_in_order(self):
        process, reader, said = self.start("upgrade", "--", "/bin/sleep", "600")
        self.wait_until(lambda: "starting" in "".join(said))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 130)
        reader.join(10)
        text = ESCAPE.sub("", "".join(said))
        self.assertIn("liveswapctl: interrupted; the rollout goes on (interrupted)\r\n", text)
        self.assertEqual(self.master.app()["state"], "upgrading")
        self.master.ctl("abort", status=0)

    def test_status_is_watched_until_it_is_interrupted(self):
        process, reader, said = self.start("status", "--watch")
        self.wait_until(lambda: "3/3 ready" in "".join(said))
        self.master.ctl("scale", "4", status=0)
        self.wait_until(lambda: "4/4 ready" in "".join(said))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 130)
        reader.join(10)

    def test_watching_ends_when_the_master_does(self):
        process, _, said = self.start("status", "--watch")
        self.wait_until(lambda: "3/3 ready" in "".join(said))
        self.master.ctl("shutdown", status=0)
        pidfd = os.pidfd_open(process.pid)
        try:
            self.assertTrue(wait_readable([pidfd], 20))
        finally:
            os.close(pidfd)
        self.assertEqual(process.wait(), 3)

    def test_a_worker_that_writes_escape_codes_drives_no_terminal(self):
        rude = self.script("rude", "printf '\\033[2Jboo\\033]0;title\\007\\n' >&2\nexit 1\n")
        _, said = self.see("upgrade", "--", str(rude), status=1)
        self.assertIn("    | ?[2Jboo?]0;title", said)
        self.assertNotIn("\x1b[2J", said)
        self.assertNotIn("\x07", self.see("logs", status=0)[1])
