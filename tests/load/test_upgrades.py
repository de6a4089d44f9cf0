"""Nothing is lost: upgrades, failed upgrades and killed workers under load, every failure counted by its class.

Each test ends with zero in each class, or, where workers were killed, with no more than these were serving themselves.
"""

import signal

from harness import processes
from service import KILLS, UPGRADES, WORKERS, Hammer, ServiceTest, open_connections


class Upgrades(ServiceTest):
    def test_twenty_upgrades_under_load_lose_nothing(self):
        hammers = self.hammers()
        for hammer in hammers:
            hammer.wait_version("v1")
        for _ in range(UPGRADES):
            self.upgrade()
            for hammer in hammers:
                hammer.wait_version(f"v{self.version}")
        versions = {f"v{i}" for i in range(1, self.version + 1)}
        for hammer in hammers:
            result = hammer.result()
            self.assert_nothing_failed(result)
            self.assertEqual({row["version"] for row in result["workers"]}, versions)
        self.assert_full_strength()
        self.ended_well(self.web)

    def test_upgrades_that_overtake_each_other_lose_nothing(self):
        """The next one begins while the workers of several before still drain."""
        hammers = self.hammers()
        for hammer in hammers:
            hammer.wait_answer()
        for _ in range(UPGRADES):
            self.upgrade("--wait", "committed")
        for hammer in hammers:
            hammer.wait_version(f"v{self.version}")
            self.assert_nothing_failed(hammer.result())
        self.assert_full_strength()

    def test_a_rolling_restart_loses_nothing(self):
        hammers = self.hammers()
        for hammer in hammers:
            hammer.wait_answer()
        before = {worker["pid"] for worker in self.web.workers("ready")}
        for _ in range(3):
            self.web.ctl("restart", status=0)
        for hammer in hammers:
            hammer.wait_answer()
            self.assert_nothing_failed(hammer.result())
        after = {worker["pid"] for worker in self.web.workers("ready")}
        self.assertEqual((len(after), after & before), (WORKERS, set()))

    def test_scaling_up_and_down_loses_nothing(self):
        hammers = self.hammers()
        for hammer in hammers:
            hammer.wait_answer()
        for workers in (8, 1, 6, 2, WORKERS):
            self.web.ctl("scale", "web", workers, status=0)
            self.web.wait_app(lambda app, n=workers: app["workers_ready"] == app["workers_wanted"] == n)
        for hammer in hammers:
            hammer.wait_answer()
            self.assert_nothing_failed(hammer.result())

    def test_an_aborted_upgrade_loses_nothing(self):
        hammers = self.hammers()
        for hammer in hammers:
            hammer.wait_version("v1")
        before = {worker["pid"] for worker in self.web.workers("ready")}
        upgrade = self.web.ctl_process("upgrade", "--env", "READY_MS=9000")
        self.web.wait_app(lambda app: app["rollout"] is not None)
        self.web.ctl("abort", status=0)
        self.assertEqual(upgrade.wait(), 1)
        upgrade.close()
        self.assertEqual({worker["pid"] for worker in self.web.workers("ready")}, before)
        for hammer in hammers:
            hammer.wait_version("v1")
            self.assert_nothing_failed(hammer.result())


class FailedUpgrades(ServiceTest):
    ready_timeout = "1s"

    def fails(self, reason, *command_line):
        """An upgrade that must fail for this reason, and leave the old version serving at full strength."""
        before = {worker["pid"] for worker in self.web.workers("ready")}
        result = self.web.ctl("upgrade", "--json", *command_line, status=1).result
        self.assertEqual((result["result"], result["reason"], result["serving"]), ("rolled_back", reason, WORKERS))
        self.assertEqual({worker["pid"] for worker in self.web.workers("ready")}, before)
        for hammer in self.load:
            hammer.wait_version(f"v{self.version}")

    def test_upgrades_that_fail_before_they_accept_lose_nothing(self):
        self.load = self.hammers()
        for hammer in self.load:
            hammer.wait_version("v1")
        not_executable = self.write("not_executable", "#!/bin/sh\n")
        rounds = max(1, UPGRADES // 20)
        for _ in range(rounds):
            self.fails("exec_failed", "--", str(not_executable))
            self.fails("exec_failed", "--", str(self.directory / "nonesuch"))
            self.fails("exec_failed", "--", str(self.write("no_interpreter", "#!/nonesuch\n", 0o755)))
            self.fails("exited_before_ready", "--env", "FAULT=exit")
            self.fails("exited_before_ready", "--", "/bin/true")
            self.fails("ready_timeout", "--env", "FAULT=hang")
            self.fails("ready_timeout", "--env", "FAULT=deaf")
            self.upgrade()
            for hammer in self.load:
                hammer.wait_version(f"v{self.version}")
        for hammer in self.load:
            self.assert_nothing_failed(hammer.result())
        self.ended_well(self.web)


class KilledWorkers(ServiceTest):
    def kill_random_worker(self):
        """Stops a ready worker, counts what it is serving, and kills it; returns (pid, connections it had)."""
        while True:
            pid = self.rng.choice(self.web.workers("ready"))["pid"]
            try:
                with processes.held(pid) as worker:
                    worker.signal(signal.SIGSTOP)
                    self.wait_until(lambda: processes.stat(pid).state in "TZ", what="the worker to stop")
                    if processes.stat(pid).state == "T":
                        had = open_connections(pid, self.web.pid)
                        worker.signal(signal.SIGKILL)
                        return pid, had
            except (ProcessLookupError, AttributeError):
                pass  # it was draining, and has just gone

    def kill_workers_under(self, mode):
        hammer = Hammer(self, self.address, mode)
        hammer.wait_answer()
        killed, allowed = {}, 0
        for _ in range(KILLS):
            pid, had = self.kill_random_worker()
            killed[str(pid)] = had
            allowed += had
            self.web.wait_app(lambda app, dead=pid: app["workers_ready"] == WORKERS and
                              dead not in [worker["pid"] for worker in app["workers"]])
            hammer.wait_answer()
        return hammer.result(), killed, allowed

    def assert_only_theirs_lost(self, result, killed, allowed):
        """Of each killed worker at most the connections that it had; and nothing that it had not accepted."""
        message = f"seed {self.seed}, killed {killed}, {result}"
        self.assertLessEqual(result["failed"], allowed, message)
        self.assertEqual({name: result["failures"][name] for name in ("refused", "timeout", "bad_status", "client")},
                         {"refused": 0, "timeout": 0, "bad_status": 0, "client": 0}, message)
        for row in result["failures_by_worker"]:
            if row["last_pid"]:
                self.assertIn(row["last_pid"], killed, message)
                self.assertLessEqual(row["count"], killed[row["last_pid"]], message)
        self.assert_full_strength()

    def test_a_killed_worker_loses_at_most_what_it_was_serving_new_connections(self):
        self.assert_only_theirs_lost(*self.kill_workers_under("close"))

    def test_a_killed_worker_loses_at_most_what_it_was_serving_kept_connections(self):
        result, killed, allowed = self.kill_workers_under("keep-alive")
        self.assert_only_theirs_lost(result, killed, allowed)
        # Each of them was asking all the time, so each kill was felt: the counters do count.
        self.assertGreater(result["failed"], 0)

    def test_workers_killed_during_upgrades_lose_at_most_what_they_were_serving(self):
        hammer = Hammer(self, self.address, "close")
        hammer.wait_answer()
        killed, allowed = {}, 0
        for _ in range(KILLS):
            upgrade = self.web.ctl_process("upgrade", "--env", f"VERSION=u{len(killed)}", "--env", "READY_MS=50")
            self.web.wait_app(lambda app: app["rollout"] is not None or upgrade.status is not None)
            pid, had = self.kill_random_worker()
            killed[str(pid)] = had
            allowed += had
            self.assertIn(upgrade.wait(), (0, 1))
            upgrade.close()
            self.web.wait_app(lambda app: app["rollout"] is None and app["workers_ready"] == WORKERS)
            hammer.wait_answer()
        self.assert_only_theirs_lost(hammer.result(), killed, allowed)
