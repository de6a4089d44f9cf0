"""What a worker finds itself with: descriptors, environment, directory; and what is read again, and when."""

import os
import signal

from harness import TestCase, build, processes

IDLE = "/bin/sleep"


class View(TestCase):
    def pid(self, web, slot=0):
        return next(worker["pid"] for worker in web.workers("ready") if worker["slot"] == slot)

    def killed(self, web):
        """Kills the only worker; returns the pid of the one that takes its place."""
        before = self.pid(web)
        os.kill(before, signal.SIGKILL)
        return self.wait_until(lambda: next((w["pid"] for w in web.workers("ready") if w["pid"] != before), None),
                               what="a new worker")


class Descriptors(View):
    """/bin/sleep opens nothing by itself, so it has what it was given."""

    CONFIG = """
listeners:
  a: [tcp://127.0.0.1:0, "unix:{directory}/a.sock"]
  b: udp://127.0.0.1:0
  not_mine: tcp://127.0.0.1:0
apps:
  web:
    command: [{idle}, infinity]
    listeners: [b, a]
    protocol: {protocol}
    ready: {{when: delay, delay: 50ms}}
    drain: {{timeout: 1s}}
    stop: {{timeout: 1s}}
  other:
    command: [{idle}, infinity]
    listeners: [not_mine]
    ready: {{when: delay, delay: 50ms}}
"""

    def descriptors(self, protocol):
        web = self.liveswap(self.CONFIG.format(directory=self.directory, idle=IDLE, protocol=protocol))
        return web, processes.descriptors(web.workers("ready", "web")[0]["pid"])

    def test_a_worker_has_0_to_2_and_its_listeners_in_its_own_order_and_nothing_else(self):
        web, found = self.descriptors("systemd")
        self.assertEqual(sorted(found), [0, 1, 2, 3, 4, 5])
        self.assertEqual(found[0], "/dev/null")
        ours = processes.descriptors(web.pid).values()
        for number in (3, 4, 5):
            self.assertIn(found[number], ours)
        environment = processes.environment(web.workers("ready", "web")[0]["pid"])
        self.assertEqual(environment["LISTEN_FDNAMES"], "b:a:a")

    def test_a_native_worker_has_its_channel_besides(self):
        web, found = self.descriptors("native")
        self.assertEqual(sorted(found), [0, 1, 2, 3, 4, 5, 6])
        self.assertRegex(found[6], "^socket:")
        self.assertNotIn(found[6], processes.descriptors(web.pid).values())
        environment = processes.environment(web.workers("ready", "web")[0]["pid"])
        self.assertEqual(environment["LIVESWAP_CHANNEL"], "6")

    def test_a_worker_that_replaces_a_killed_one_has_the_very_same_sockets(self):
        web, before = self.descriptors("systemd")
        old = web.workers("ready", "web")[0]["pid"]
        os.kill(old, signal.SIGKILL)
        new = self.wait_until(
            lambda: next((w["pid"] for w in web.workers("ready", "web") if w["pid"] != old), None))
        after = processes.descriptors(new)
        self.assertEqual({n: after[n] for n in (3, 4, 5)}, {n: before[n] for n in (3, 4, 5)})


class Environment(View):
    CONFIG = """
listeners: {{http: tcp://127.0.0.1:0, local: "unix:{directory}/x.sock"}}
apps:
  web:
    command: [{worker}]
    listeners: [http, local]
    pass_env: {pass_env}
    env_file: [{directory}/first.env, {directory}/second.env, -{directory}/missing.env]
    env: {{A: env, B: env, EMPTY: "", NO: no}}
"""

    def start(self, pass_env="all"):
        self.write("first.env", "B=first\nC=first\nD=first\n")
        self.write("second.env", "D=second\n# a comment\n\nE='quoted words'\n")
        outside = {"A": "outside", "B": "outside", "C": "outside", "D": "outside", "F": "outside", "DB_HOST": "db",
                   "LISTEN_FDS": "7", "LISTEN_PID": "1", "LISTEN_FDNAMES": "x", "WATCHDOG_USEC": "1",
                   "EINHORN_FD_COUNT": "9", "SERVER_STARTER_PORT": "1=2", "LIVESWAP_APP": "none",
                   "NODE_CHANNEL_FD": "3", "NODE_UNIQUE_ID": "1", "MAINPID": "1"}
        return self.liveswap(self.CONFIG.format(directory=self.directory, worker=build.program("http_worker"),
                                                pass_env=pass_env), env=outside)

    def test_the_last_source_that_names_a_variable_wins(self):
        web = self.start()
        found = processes.environment(self.pid(web))
        self.assertEqual({name: found.get(name) for name in ("A", "B", "C", "D", "E", "F", "EMPTY", "NO")},
                         {"A": "env", "B": "env", "C": "first", "D": "second", "E": "quoted words", "F": "outside",
                          "EMPTY": "", "NO": "no"})
        web.ctl("upgrade", "--env", "A=asked", "--env", "F=asked", status=0)
        found = processes.environment(self.pid(web))
        self.assertEqual((found["A"], found["B"], found["F"]), ("asked", "env", "asked"))

    def test_pass_env_chooses_what_comes_from_outside(self):
        web = self.start("none")
        self.assertNotIn("F", processes.environment(self.pid(web)))
        self.ended_well(web)
        some = processes.environment(self.pid(self.start('[F, "DB_*"]')))
        self.assertEqual((some.get("F"), some.get("DB_HOST"), "PATH" in some), ("outside", "db", False))

    def test_a_worker_finds_every_convention_and_nothing_of_what_liveswap_itself_was_given(self):
        web = self.start()
        pid = self.pid(web)
        found = processes.environment(pid)
        expected = {
            "LISTEN_FDS": "2", "LISTEN_PID": str(pid), "LISTEN_FDNAMES": "http:local",
            "EINHORN_FD_COUNT": "2", "EINHORN_FD_0": "3", "EINHORN_FD_1": "4", "EINHORN_CHILD_INDEX": "0",
            "EINHORN_MASTER_PID": str(web.pid),
            "SERVER_STARTER_PORT": f"{web.status()['listeners'][0]['address']}=3;{self.directory}/x.sock=4",
            "SERVER_STARTER_GENERATION": "1",
            "LIVESWAP_APP": "web", "LIVESWAP_SLOT": "0", "LIVESWAP_GENERATION": "1", "LIVESWAP_RELEASE": "1",
        }
        self.assertEqual({name: found.get(name) for name in expected}, expected)
        self.assertTrue(found["NOTIFY_SOCKET"].startswith(str(web.runtime)), found["NOTIFY_SOCKET"])
        for name in ("WATCHDOG_USEC", "NODE_CHANNEL_FD", "NODE_UNIQUE_ID", "MAINPID"):
            self.assertNotIn(name, found)

    def test_env_files_are_read_again_by_an_upgrade_and_not_by_a_restart_or_a_respawn(self):
        web = self.start()
        self.write("first.env", "B=first\nC=changed\nD=first\n")
        self.assertEqual(processes.environment(self.killed(web))["C"], "first")
        web.ctl("restart", status=0)
        self.assertEqual(processes.environment(self.pid(web))["C"], "first")
        web.ctl("upgrade", status=0)
        self.assertEqual(processes.environment(self.pid(web))["C"], "changed")
        self.assertEqual(processes.environment(self.killed(web))["C"], "changed")

    def test_an_env_file_that_is_gone_fails_the_upgrade_and_names_it(self):
        web = self.start()
        (self.directory / "first.env").unlink()
        result = web.ctl("upgrade", status=1)
        self.assertIn(f"{self.directory}/first.env", result.out + result.err)
        self.assertEqual(web.app()["release"], 1)


class Directory(View):
    CONFIG = """
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: [./server]
    cwd: {directory}/current
    env: {{VERSION: v1}}
"""

    def setUp(self):
        super().setUp()
        for release in ("one", "two"):
            folder = self.directory / release
            folder.mkdir()
            (folder / "server").symlink_to(build.program("http_worker"))
        self.point_to("one")
        self.web = self.liveswap(self.CONFIG.format(directory=self.directory))

    def point_to(self, release):
        link = self.directory / "next"
        link.symlink_to(release)
        link.rename(self.directory / "current")

    def cwd(self, pid):
        return os.path.basename(os.readlink(f"/proc/{pid}/cwd"))

    def test_a_crashed_worker_comes_back_in_the_directory_of_its_release(self):
        self.assertEqual(self.cwd(self.pid(self.web)), "one")
        self.point_to("two")
        self.assertEqual(self.cwd(self.killed(self.web)), "one")
        self.web.ctl("upgrade", status=0)
        self.assertEqual(self.cwd(self.pid(self.web)), "two")
        self.assertEqual(self.cwd(self.killed(self.web)), "two")

    def test_a_failed_upgrade_goes_back_to_the_old_directory(self):
        (self.directory / "two" / "server").unlink()
        self.point_to("two")
        self.web.ctl("upgrade", status=1)
        self.assertEqual(self.cwd(self.pid(self.web)), "one")
        self.assertEqual(self.cwd(self.killed(self.web)), "one")

    def test_a_directory_moved_away_still_serves_its_release(self):
        (self.directory / "one").rename(self.directory / "old")
        self.assertEqual(self.cwd(self.killed(self.web)), "old")
