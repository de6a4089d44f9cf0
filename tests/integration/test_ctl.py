"""What liveswapctl says where there is more than one answer: of several apps, of several masters, to a full disk."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from harness import TestCase, build
from test_control import NOBODY, RESULT_KEYS, app, config


class Answers(TestCase):
    def test_of_several_apps_each_result_is_shown_and_the_worst_decides(self):
        master = self.liveswap(config(app(), app("api"), app("jobs", workers=1)))
        done = master.ctl("restart", "--all", status=0).out.splitlines()
        self.assertEqual(sorted(done[-3:]), ["api: r1 (g2) serves: 2 of 2 workers ready",
                                             "jobs: r1 (g2) serves: 1 of 1 workers ready",
                                             "web: r1 (g2) serves: 2 of 2 workers ready"])
        dies = self.script("dies", "exit 3\n")
        master.configure(config(app(), app("api", command=[str(dies)]), app("jobs", workers=1)))
        failed = master.ctl("upgrade", "--all", status=1)
        self.assertIn("web: r2 (g3) serves: 2 of 2 workers ready\n", failed.out)
        self.assertIn("jobs: r2 (g3) serves: 1 of 1 workers ready\n", failed.out)
        self.assertIn("liveswapctl: api: rolled back: a worker ended before it was ready", failed.err)
        ended = master.ctl("upgrade", "--all", "--json", status=1)
        results = [each for each in ended.objects if each["type"] == "result"]
        self.assertEqual(sorted((each["app"], each["result"]) for each in results),
                         [("api", "rolled_back"), ("jobs", "done"), ("web", "done")])
        self.assertEqual([list(each) for each in results], [RESULT_KEYS] * 3)
        self.assertEqual([(each["type"], each.get("app")) for each in ended.objects[-2:]],
                         [("failure", None), ("result", "api")])
        self.ended_well(master)

    def test_status_1_is_output_that_cannot_be_written_but_a_reader_who_has_enough_is_none(self):
        master = self.liveswap(config())
        ctl, liveswap = [build.program("liveswapctl"), "--control", master.control], build.program("liveswap")
        for command in ([*ctl, "status"], [*ctl, "status", "--json"], [*ctl, "events", "-f"],
                        [*ctl, "status", "--watch"], [*ctl, "restart"], [*ctl, "--help"], [*ctl, "completion", "bash"],
                        [liveswap, "--help"], [liveswap, "--version"], [liveswap, "-c", master.file, "--check"]):
            with self.subTest(command=command):
                with open("/dev/full", "w", encoding="utf-8") as full:
                    ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                           check=False)
                name = pathlib.Path(command[0]).name
                self.assertEqual((ended.returncode, ended.stderr),
                                 (1, f"{name}: write error: No space left on device\n"))
                read, write = os.pipe()
                os.close(read)
                ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60,
                                       check=False)
                os.close(write)
                self.assertEqual((ended.returncode, ended.stderr), (-signal.SIGPIPE, ""))
        self.ended_well(master)

    def test_a_pause_of_a_stopped_apps_listener_is_for_when_it_is_bound_again(self):
        master = self.liveswap("listeners:\n  http: udp://127.0.0.1:0\napps:\n" + app(
            command=["/bin/sleep", "600"], extra="    ready: {when: delay, delay: 10ms}\n"))
        master.ctl("stop", "--now", status=0)
        self.assertEqual(master.ctl("pause", "http", status=0).out,
                         "http is paused: once it is bound again, new clients wait\n")
        self.assertEqual(master.ctl("pause", "http", status=0).out,
                         "http was paused already: once it is bound again, new clients wait\n")
        self.assertRegex(master.ctl("listeners", status=0).out, r"http +udp://127.* closed, paused\n")
        self.assertIn("listener http is paused: closed until its app is started\n", master.ctl("status", status=0).out)
        master.ctl("start", status=0)
        self.assertEqual(master.ctl("pause", "http", status=0).out, "http was paused already: new clients wait\n")
        self.assertIn("listener http is paused: new clients wait\n", master.ctl("status", status=0).out)
        self.assertEqual(master.ctl("resume", "http", status=0).out, "http is open again\n")
        self.assertEqual(master.ctl("resume", "http", status=0).out, "http was not paused\n")
        self.ended_well(master)


class Masters(TestCase):
    def test_a_name_finds_a_master_whose_socket_is_elsewhere(self):
        elsewhere = self.directory / "elsewhere.sock"
        master = self.liveswap(f"control: {{socket: {elsewhere}}}\n" + config())
        link = master.control
        self.assertEqual(os.readlink(link), str(elsewhere))
        for words in (["-n", "web"], ["-c", str(master.file)], ["--control", str(elsewhere)]):
            ended = subprocess.run([build.program("liveswapctl"), *words, "ping"], env=master.env,
                                   capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual((ended.returncode, ended.stdout), (0, f"web answers (PID {master.pid})\n"), ended.stderr)
        self.ended_well(master)
        self.assertFalse(os.path.lexists(link) or os.path.lexists(elsewhere))

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be somebody else")
    def test_ls_lists_what_it_can_reach_and_tells_of_the_rest(self):
        self.directory.chmod(0o711)
        program = self.directory / "liveswapctl"
        shutil.copy(build.program("liveswapctl"), program)
        parent = self.directory / "liveswap"
        parent.mkdir(mode=0o755)
        masters = []
        for name, control in (("closed", ""), ("open", f"control: {{observers: {{users: [{NOBODY}]}}}}\n"),
                              ("strange", "control: {observers: {users: [daemon]}}\n")):
            master = self.liveswap(config(extra=f"runtime_dir: {parent / name}\n{control}"), start=False, name=name)
            masters.append(master.start(60))
        def ls(*options):
            ended = subprocess.run([program, "ls", *options], user=NOBODY, group=NOBODY, extra_groups=[],
                                   capture_output=True, text=True, timeout=60, check=False, cwd="/",
                                   env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(self.directory)})
            return ended.returncode, ended.stdout, ended.stderr
        denied = "".join(f"{parent}/{name}/control.sock: not listed: permission denied\n"
                         for name in ("closed", "strange"))
        status, out, err = ls()
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, f"\nopen +{masters[1].pid} .* web running 2/2\n")
        self.assertTrue(out.endswith(denied), out)
        rows = [json.loads(line) for line in ls("--json")[1].splitlines()]
        self.assertEqual([(row["name"], row.get("reason")) for row in rows],
                         [("closed", "denied"), ("open", None), ("strange", "denied")])
        self.assertEqual(masters.pop(1).stop(60), 0)
        status, out, err = ls()
        self.assertEqual((status, out), (4, denied))
        self.assertIn("denied: none of these masters can be asked (denied)\n", err)
        self.assertEqual([master.stop(60) for master in masters], [0, 0])
        self.assert_nothing_left()
