"""Masters, guardians and workers that die or stand still, under load: nobody is lost but who was being served by a
worker that was killed, and after each round everything is as it says.

The seed is printed with every failure; LIVESWAP_SEED draws the same."""

import collections
import os
import pathlib
import signal
import sys
import time

from harness import LONG, SCALE, processes

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "load"))
from service import CLASSES, WORKERS, ServiceTest, open_connections  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS = 200 if LONG else 20
MASTER = "liveswap"
GUARDIAN = "liveswap-guardian"


class Chaos(ServiceTest):
    timeout_s = 7200.0 if LONG else 400.0

    def setUp(self):
        super().setUp()
        self.killed, self.allowed = {}, 0
        self.guardian = self.web.process.pid
        self.load = self.hammers()
        for hammer in self.load:
            hammer.wait_answer()

    # ---- what is done ----

    def master(self):
        return self.web.ctl("status", "--json", status=0).result["master"]

    def kill_master(self):
        """Returns at once: what follows meets a master that is just beginning, or none."""
        os.kill(self.masters()[0], signal.SIGKILL)

    def masters(self):
        below = [self.guardian] if self.guardian else []
        below += [child.pid for child in processes.descendants(os.getpid())]
        found = [pid for pid in below if processes.program(pid) == MASTER]
        self.assertTrue(found, "no master runs")
        return found

    def kill_guardian(self):
        """Only of a master that has taken over: who is just beginning has nobody but his guardian."""
        before = self.settled()["guardian"]
        os.kill(before, signal.SIGKILL)
        if before == self.web.process.pid:
            self.web.process.wait()
        self.guardian = None
        self.wait_until(lambda: self.master()["guardian"] not in (None, before), 30.0 * SCALE)

    def kill_worker(self):
        ready = self.web.workers("ready")
        if not ready:
            return
        pid = self.rng.choice(ready)["pid"]
        try:
            with processes.held(pid) as worker:
                worker.signal(signal.SIGSTOP)
                self.wait_until(lambda: processes.stat(pid).state in "TZ", what="the worker to stop")
                had = open_connections(pid, self.masters()[0])
                worker.signal(signal.SIGKILL)
        except (ProcessLookupError, AttributeError):
            return  # it was draining, and has just gone
        self.killed[str(pid)] = had
        self.allowed += had

    def stop_for_a_while(self, pid):
        try:
            with processes.held(pid) as process:
                process.signal(signal.SIGSTOP)
                time.sleep(self.rng.uniform(0.01, 0.3))  # what stands still makes nothing happen
                process.signal(signal.SIGCONT)
        except ProcessLookupError:
            pass

    def upgrade_with(self, disturb, bad):
        self.version += 1
        self.web.configure(self.config())
        options = ["--", "/bin/false"] if bad else []
        upgrade = self.web.ctl_process("upgrade", *options)
        try:
            time.sleep(self.rng.uniform(0, 0.3))  # at a random moment of it
            disturb()
            self.assertEqual(upgrade.wait(60.0 * SCALE), 1 if bad else 0, upgrade.tail())
        finally:
            upgrade.close()

    # ---- what is seen ----

    def settled(self):
        """Waits until a master is there, at full strength and with nothing under way."""
        def calm():
            result = self.web.ctl("status", "--json")
            if result.status != 0:
                return None
            app = result.result["apps"][0]
            whole = app["rollout"] is None and app["workers_ready"] == WORKERS == len(app["workers"])
            return result.result["master"] if whole and result.result["master"]["guardian"] else None
        return self.wait_until(calm, 60.0 * SCALE, "everything to be as it should")

    def held_by_next_master(self):
        """Descriptors by kind, of one that has just taken over and got nothing to do since."""
        old = self.settled()["pid"]
        self.kill_master()
        self.wait_until(lambda: self.settled()["pid"] != old, 30.0 * SCALE)
        seen = []

        def same_again():
            kinds = [what.split(":")[0] for what in processes.descriptors(self.masters()[0]).values()]
            seen.append(collections.Counter(kinds))
            return seen[-1] if seen[-5:] == [seen[-1]] * 5 else None
        return self.wait_until(same_again, 20.0 * SCALE)

    def assert_state_is_reality(self):
        def said():
            master = self.settled()
            return {"http_worker": {worker["pid"] for worker in self.web.app()["workers"]}, MASTER: {master["pid"]},
                    GUARDIAN: {master["guardian"]}}

        def running():
            found = {name: set() for name in ("http_worker", MASTER, GUARDIAN)}
            for process in processes.descendants(os.getpid()):
                name = processes.program(process.pid)
                if name in found and process.state not in "ZX":
                    found[name].add(process.pid)
            return found
        # What has just been killed may not have been noticed yet.
        self.wait_until(lambda: said() == running(), 20.0 * SCALE, f"what is said, {said()}, to be {running()}")
        for hammer in self.load:
            hammer.wait_answer(60.0)

    def assert_nothing_else_lost(self):
        total = 0
        for hammer in self.load:
            result = hammer.result()
            message = f"killed {self.killed}, {result}"
            never = {name: result["failures"][name] for name in ("refused", "timeout", "bad_status", "client")}
            self.assertEqual(never, {"refused": 0, "timeout": 0, "bad_status": 0, "client": 0}, message)
            self.assertGreater(result["successes"], 0, message)
            if not self.killed:
                self.assertEqual(result["failures"], {name: 0 for name in CLASSES}, message)
            for row in result["failures_by_worker"]:
                if row["last_pid"]:
                    self.assertIn(row["last_pid"], self.killed, message)
            total += result["failed"]
        self.assertLessEqual(total, self.allowed, f"killed {self.killed}")
        print(f"# {total} requests failed of {self.allowed} that {len(self.killed)} killed workers were at", flush=True)

    # ---- the tests ----

    def test_random_rounds_lose_nobody(self):
        disturbances = [self.kill_master, self.kill_master, self.kill_guardian, self.kill_worker,
                        lambda: self.stop_for_a_while(self.masters()[0]),
                        lambda: self.stop_for_a_while(self.settled()["guardian"])]
        before = self.held_by_next_master()
        for _ in range(ROUNDS):
            disturb = self.rng.choice(disturbances)
            kind = self.rng.choice(("alone", "upgrade", "upgrade", "bad upgrade", "two"))
            if kind in ("upgrade", "bad upgrade"):
                self.upgrade_with(disturb, kind == "bad upgrade")
            else:
                disturb()
                if kind == "two":
                    self.settled()
                    self.rng.choice(disturbances)()
            self.assert_state_is_reality()
        self.assertEqual(self.held_by_next_master(), before)
        self.assert_nothing_else_lost()

    def test_the_master_dies_at_each_step_of_an_upgrade(self):
        steps = ["upgrade to r", r"starting \(r", ": ready", "workers ready", "draining, at most", "upgrade done",
                 "gone: exit", r" g\d+: gone"]
        for step in steps:
            self.version += 1
            self.web.configure(self.config())
            skip = self.web.process.err.count()
            upgrade = self.web.ctl_process("upgrade", "--wait", "drained")
            try:
                self.web.process.wait_line(step, 60.0 * SCALE, skip=skip)
                self.kill_master()
                self.assertEqual(upgrade.wait(60.0 * SCALE), 0, f"{step}: {upgrade.tail()}")
            finally:
                upgrade.close()
            self.assert_state_is_reality()
            for hammer in self.load:
                hammer.wait_version(f"v{self.version}", 60.0)
        self.assert_nothing_else_lost()
        self.ended_well(self.web)
