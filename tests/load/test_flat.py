"""Two hundred upgrades leave the master as it was: descriptors, memory, children, files."""

import os

from harness import LONG, TestCase, build, processes
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
UPGRADES = 2000 if LONG else 200
WARM_UP = 1000  # the master remembers that many events and lines; then it forgets the oldest
FAILED_EACH = 10
GROWTH_KB = 128


class Flat(TestCase):
    timeout_s = 3600.0 if LONG else 240.0

    def setUp(self):
        super().setUp()
        self.web = self.liveswap(CONFIG.format(directory=self.directory, worker=build.program("ready_worker")))
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
        files = sorted(len(names) + len(folders) for _, folders, names in os.walk(self.web.runtime))
        return {"descriptors": kinds, "children": children, "files": files}

    def settled(self):
        """What it holds once what the last upgrade left has been tidied up."""
        seen = [None]

        def same_again():
            seen.append(self.what_it_holds())
            return seen[-1] if seen[-5:] == [seen[-1]] * 5 else None
        return self.wait_until(same_again, what="the master to settle")

    def test_two_hundred_upgrades_leave_no_descriptor_child_or_file_and_memory_is_flat(self):
        for turn in range(WARM_UP):
            self.upgrade(fail=turn % FAILED_EACH == 0)
        before, memory = self.settled(), processes.memory_kb(self.web.pid, "Rss")
        for turn in range(UPGRADES):
            self.upgrade(fail=turn % FAILED_EACH == 0)
        self.assertEqual(self.settled(), before)
        self.assertLessEqual(processes.memory_kb(self.web.pid, "Rss") - memory, GROWTH_KB)
        self.ended_well(self.web)
