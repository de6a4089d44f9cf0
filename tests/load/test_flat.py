"""Upgrades leave the master as it was: descriptors, memory, children, files; sides of steered listeners."""

import os

from harness import LONG, TestCase, build, net, processes
from harness.varlink import Varlink, VarlinkError

CONFIG = """
listeners:
  http: tcp://127.0.0.1:0
  local: unix:{directory}/local.sock
apps:
  web:
    command: [{worker}]
    workers: 2
    ready: {{timeout: 10s}}
"""
STEERED = """
listeners:
  http: {address: "tcp://127.0.0.1:0", handoff: steered, queues: per-worker}
  local: {address: "unix:%(directory)s/local.sock", handoff: steered}
apps:
  web:
    command: [%(worker)s]
    workers: 2
"""
BIND = """
apps:
  web:
    command: [/usr/bin/python3, %(server)s]
    protocol: bind
    workers: 2
    bind_by: %(by)s
"""
SERVER = """
import socket
first, second = socket.create_server(("127.0.0.1", %(port)d)), socket.socket(socket.AF_UNIX)
try:
    __import__("os").unlink(%(path)r)
except FileNotFoundError:
    pass
second.bind(%(path)r)
second.listen()
while True:
    first.accept()
"""
UPGRADES = 2000 if LONG else 200
STEERED_UPGRADES = 500 if LONG else 50
STEERED_WARM_UP = 20
STEERED_GROWTH_KB = 1024  # what is remembered of events and lines, too
WARM_UP = 1000  # the master remembers that many events and lines; then it forgets the oldest
FAILED_EACH = 10
GROWTH_KB = 128


class Flat(TestCase):
    timeout_s = 3600.0 if LONG else 240.0

    def run_master(self, config):
        self.web = self.liveswap(config)
        self.control = Varlink(self.web.control)
        self.addCleanup(self.control.sock.close)

    def upgrade(self, fail):
        """One upgrade, awaited until the old workers are gone; with `fail`, one that is rolled back."""
        if fail:
            with self.assertRaises(VarlinkError) as caught:
                list(self.control.stream("Upgrade", command=["/bin/true"]))
            self.assertEqual(caught.exception.parameters["outcome"]["reason"], "exited_before_ready")
        else:
            *_, last = self.control.stream("Upgrade", wait="drained")
            self.assertEqual(last["outcome"]["result"], "done")

    def what_it_holds(self):
        """Descriptors by kind, children, files in the runtime directory."""
        kinds = sorted(what.split(":")[0] for what in processes.descriptors(self.web.pid).values())
        children = sorted(child.name for child in processes.descendants(self.web.pid))
        files = sorted(len(names) + len(folders)
                       for root in (self.web.runtime, self.directory) for _, folders, names in os.walk(root))
        sides = [len(row["sides"]) for row in self.web.status()["listeners"] if "sides" in row]
        return {"descriptors": kinds, "children": children, "files": files, "sides": sides}

    def settled(self):
        """What it holds once what the last upgrade left has been tidied up."""
        seen = [None]

        def same_again():
            seen.append(self.what_it_holds())
            return seen[-1] if seen[-5:] == [seen[-1]] * 5 else None
        return self.wait_until(same_again, what="the master to settle")

    def stays_as_it_was(self, warm_up, upgrades, growth_kb):
        for turn in range(warm_up):
            self.upgrade(fail=turn % FAILED_EACH == 0)
        before, memory = self.settled(), processes.memory_kb(self.web.pid, "Rss")
        for turn in range(upgrades):
            self.upgrade(fail=turn % FAILED_EACH == 0)
        self.assertEqual(self.settled(), before)
        self.assertLessEqual(processes.memory_kb(self.web.pid, "Rss") - memory, growth_kb)
        self.ended_well(self.web)

    def test_two_hundred_upgrades_leave_no_descriptor_child_or_file_and_memory_is_flat(self):
        self.run_master(CONFIG.format(directory=self.directory, worker=build.program("ready_worker")))
        self.stays_as_it_was(WARM_UP, UPGRADES, GROWTH_KB)

    def test_nor_do_fifty_with_steered_listeners(self):
        self.run_master(STEERED % {"directory": self.directory, "worker": build.program("ready_worker")})
        self.stays_as_it_was(STEERED_WARM_UP, STEERED_UPGRADES, STEERED_GROWTH_KB)

    def test_nor_do_fifty_of_a_program_that_binds_by_itself(self):
        for by in ("seccomp", "preload"):
            with self.subTest(by):
                server = self.write("server.py", SERVER % {"port": net.free_port(), "path": f"{self.directory}/x.sock"})
                self.run_master(BIND % {"server": server, "by": by})
                self.stays_as_it_was(STEERED_WARM_UP, STEERED_UPGRADES, STEERED_GROWTH_KB)
