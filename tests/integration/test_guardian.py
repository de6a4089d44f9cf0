"""A master that dies: another takes its place, and nothing of what was there changes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

from harness import SCALE, TestCase, build, processes

CONFIG = f"""listeners:
  http: tcp://127.0.0.1:0
  local: unix:{{directory}}/local.sock
apps:
  web:
    command: [{build.program("http_worker")}]
    workers: 2
"""
# What the workers are, as far as it outlives a master.
KEPT = ("slot", "pid", "generation", "release", "state", "since", "restarts")


class Guardian(TestCase):
    def web(self, config=CONFIG, **options):
        return self.liveswap(config.format(directory=self.directory), **options)

    def kill_master(self, web):
        """Kills it, and waits until another has taken over; returns the pid that was."""
        old = web.pid
        os.kill(old, signal.SIGKILL)
        self.wait_taken_over(web, old)
        return old

    def wait_taken_over(self, web, old):
        def another():
            result = web.ctl("status", "--json")
            return result.status == 0 and result.result["master"]["pid"] != old
        self.wait_until(another, 20.0 * SCALE, "another master to take over")

    def what_is_there(self, web):
        status = web.status()
        return {"listeners": status["listeners"],
                "workers": [{key: worker[key] for key in KEPT} for worker in status["apps"][0]["workers"]],
                "app": {key: status["apps"][0][key] for key in ("state", "generation", "release", "workers_ready")}}

    def test_the_next_master_has_the_same_workers_and_listeners(self):
        web = self.web()
        before = self.what_is_there(web)
        history = web.ctl("history", "--json", status=0).out
        for _ in range(3):
            self.kill_master(web)
            self.assertEqual(self.what_is_there(web), before)
        self.assertEqual(web.ctl("history", "--json", status=0).out, history)
        self.assertIn("version=", web.get("http").body)
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertIn("version=", web.get("http").body)
        self.ended_well(web)
        self.assertFalse((self.directory / "local.sock").exists())

    def test_its_workers_are_drained_replaced_and_ended_as_its_own(self):
        web = self.web()
        self.kill_master(web)
        victim = web.workers("ready")[0]
        os.kill(victim["pid"], signal.SIGKILL)
        self.wait_until(lambda: [worker["restarts"] for worker in web.workers("ready")] == [1, 0])
        self.assertIn("killed by SIGKILL", web.ctl("events", "--json", status=0).out + web.process.err.text())
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.kill_master(web)
        web.ctl("stop", "web", status=0)
        self.assertEqual(processes.children(web.pid), [])
        self.ended_well(web)

    def test_an_upgrade_goes_on_and_whoever_waits_is_answered(self):
        slow = self.script("slow", f"sleep 0.7\nexec {build.program('http_worker')}\n")
        web = self.web()
        upgrade = web.ctl_process("upgrade", "--", str(slow))
        self._processes.append(upgrade)
        upgrade.wait_line("starting", stream="out")
        old = web.pid
        os.kill(old, signal.SIGKILL)
        self.assertEqual(upgrade.wait(30.0 * SCALE), 0, upgrade.tail())
        upgrade.finish_output()
        self.assertIn("r2 (g2) serves: 2 of 2 workers ready", upgrade.out.text())
        self.assertNotEqual(web.pid, old)
        self.ended_well(web)

    def test_a_failed_upgrade_is_rolled_back_by_the_next_master(self):
        web = self.web()
        upgrade = web.ctl_process("upgrade", "--", "/bin/sh", "-c", "sleep 1; exit 3")
        self._processes.append(upgrade)
        upgrade.wait_line("starting", stream="out")
        os.kill(web.pid, signal.SIGKILL)
        self.assertEqual(upgrade.wait(30.0 * SCALE), 1, upgrade.tail())
        upgrade.finish_output()
        self.assertIn("exit status 3", upgrade.out.text() + upgrade.err.text())
        self.assertEqual(web.app()["generation"], 1)
        self.assertEqual(len(web.workers("ready")), 2)
        self.ended_well(web)

    def test_a_drain_and_its_deadline_go_on(self):
        web = self.web(CONFIG + "    drain: {{timeout: 2s}}\n")
        port = web.status()["listeners"][0]["address"].rpartition(":")[2]
        with socket.create_connection(("127.0.0.1", int(port))) as client:
            client.sendall(b"GET /")
            self.wait_until(lambda: any(worker["connections"] for worker in web.workers("ready"))
                            or web.ctl("connections", "web").out.strip())
            web.ctl("upgrade", status=0)
            self.kill_master(web)
            self.wait_until(lambda: len(web.app()["workers"]) == 2, 20.0 * SCALE)
        self.ended_well(web)

    def test_signals_go_to_the_master_and_its_status_is_the_guardians(self):
        web = self.web()
        web.process.signal(signal.SIGUSR1)
        web.process.wait_line("SIGUSR1: there are no log files")
        self.kill_master(web)
        web.process.signal(signal.SIGTERM)
        self.assertEqual(web.process.wait(20.0 * SCALE), 0)

    def test_an_adopted_worker_does_not_command_its_parent(self):
        worker = self.write("kills.py", f"""import os, signal, subprocess, sys
signal.signal(signal.SIGUSR1, lambda *_: os.kill(os.getppid(), signal.SIGTERM))
child = subprocess.Popen(["{build.program("http_worker")}"], close_fds=False,
                         env=dict(os.environ, LISTEN_PID=""), preexec_fn=None)
signal.signal(signal.SIGTERM, lambda *_: (child.terminate(), sys.exit(0)))
while True:
    signal.pause()
""")
        web = self.web(f"""listeners:
  http: tcp://127.0.0.1:0
apps:
  web:
    command: [{sys.executable}, {worker}]
    listen_pid: off
    ready: {{{{when: delay, delay: 300ms}}}}
""")
        self.kill_master(web)
        pid = web.workers("ready")[0]["pid"]
        self.assertEqual(processes.stat(pid).parent, web.process.pid)
        os.kill(pid, signal.SIGUSR1)
        web.process.wait_line(f"SIGTERM from PID {pid} ignored: a worker does not command its master")
        self.assertEqual(web.workers("ready")[0]["pid"], pid)
        self.ended_well(web)

    def test_a_guardian_that_dies_alone_is_replaced_and_the_master_can_die_then(self):
        web = self.web()
        master, before = web.pid, self.what_is_there(web)
        os.kill(web.process.pid, signal.SIGKILL)
        web.process.wait()

        def has_guardian():
            guardian = web.status()["master"]["guardian"]
            return guardian if guardian not in (None, web.process.pid) else None
        guardian = self.wait_until(has_guardian)
        self.assertEqual(web.status()["master"]["pid"], master)
        self.assertEqual(processes.stat(guardian).parent, master)
        os.kill(master, signal.SIGKILL)
        self.wait_taken_over(web, master)
        self.assertEqual(self.what_is_there(web), before)
        self.assertIn("version=", web.get("http").body)
        web.ctl("shutdown", status=0)
        processes.wait_gone(guardian, 20.0 * SCALE)

    def test_a_master_goes_on_as_another_binary(self):
        web = self.web()
        master, before = web.status()["master"], self.what_is_there(web)
        binary = self.directory / "new" / "master" / "liveswap"
        for program, folder in (("liveswap", "master"), ("liveswap-launch", "launch"), ("liveswap-guardian", "guard")):
            (self.directory / "new" / folder).mkdir(parents=True)
            shutil.copy(build.program(program), self.directory / "new" / folder / program)
        result = web.ctl("reexec", "--binary", str(binary), status=0)
        self.assertRegex(result.out, f"the master goes on as liveswap .*, PID {master['pid']}\n")
        self.assertEqual(os.readlink(f"/proc/{master['pid']}/exe"), str(binary))
        self.assertEqual(self.what_is_there(web), before)
        self.assertEqual(web.status()["master"]["guardian"], master["guardian"])
        web.process.wait_line("the guardian is of this binary, too, in place")
        self.assertEqual(os.readlink(f"/proc/{master['guardian']}/exe"),
                         str(self.directory / "new" / "guard" / "liveswap-guardian"))
        victim = web.workers("ready")[0]["pid"]  # still its child
        os.kill(victim, signal.SIGKILL)
        self.wait_until(lambda: [worker["restarts"] for worker in web.workers("ready")] == [1, 0])
        web.process.wait_line("killed by SIGKILL")
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.kill_master(web)
        self.assertEqual(os.readlink(f"/proc/{web.pid}/exe"), str(binary))
        self.assertNotIn("another liveswap", web.ctl("status", status=0).out)
        shutil.copy(binary, self.directory / "newer")
        os.replace(self.directory / "newer", binary)
        self.assertIn(f"another liveswap is at {binary} now", web.ctl("status", status=0).out)
        web.ctl("reexec", status=0)
        self.assertNotIn("another liveswap", web.ctl("status", status=0).out)
        web.process.signal(signal.SIGUSR1)
        web.process.wait_line("SIGUSR1: there are no log files")
        self.ended_well(web)

    def test_a_binary_that_cannot_go_on_is_refused(self):
        web = self.web()
        master = web.status()["master"]
        alone = shutil.copy(build.program("liveswap"), self.directory / "liveswap")
        for binary, why in (("/bin/false", "exited with status 1"), ("/bin/true", "it is no liveswap"),
                            (self.directory / "nonesuch", "No such file or directory"),
                            (alone, "liveswap-launch is not there")):
            result = web.ctl("reexec", "--binary", str(binary), status=1)
            self.assertIn(why, result.err)
            self.assertIn("(reexec_failed)", result.err)
        self.assertEqual(web.status()["master"], master)
        self.ended_well(web)

    def test_without_a_guardian_it_cannot_be_replaced(self):
        web = self.web(args=["--no-guardian"])
        self.assertIn("this master has no guardian", web.ctl("reexec", status=1).err)
        self.ended_well(web)

    def test_what_is_wrong_at_the_start_is_the_guardians_status(self):
        web = self.liveswap("apps: [", start=False).launch()
        self.assertEqual(web.process.wait(20.0 * SCALE), 2)

    def test_without_a_guardian_there_is_none(self):
        web = self.web(args=["--no-guardian"])
        self.assertIsNone(web.status()["master"]["guardian"])
        self.assertEqual(web.pid, web.process.pid)
        self.ended_well(web)

    def test_it_is_small_and_asleep(self):
        web = self.web()
        guardian = web.process.pid
        self.wait_until(lambda: processes.memory_kb(guardian, "Pss") < 500)

        def is_asleep():
            used = processes.cpu_us(guardian)
            time.sleep(1.0)  # in which nothing is to happen
            return processes.cpu_us(guardian) == used
        self.wait_until(is_asleep, 30.0)  # once it has tidied up
        self.ended_well(web)

    def test_systemd_hears_its_main_process(self):
        path = self.directory / "systemd"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(path))
            systemd.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            systemd.settimeout(20.0 * SCALE)
            web = self.web(start=False, env={"NOTIFY_SOCKET": str(path)})
            web.launch()
            text = b""
            while not text.startswith(b"READY=1"):
                text, ancillary, _, _ = systemd.recvmsg(4096, socket.CMSG_SPACE(12))
                self.assertEqual(int.from_bytes(ancillary[0][2][:4], sys.byteorder), web.process.pid)
            self.assertNotIn("NOTIFY_SOCKET", processes.environment(web.pid))
            self.kill_master(web)
            web.process.signal(signal.SIGTERM)
            while systemd.recv(4096) != b"STOPPING=1\nSTATUS=draining":
                pass
            self.assertEqual(web.process.wait(20.0 * SCALE), 0)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "asks for root and unshare(1)")
    def test_it_is_fit_to_be_pid_1(self):
        web = self.web(start=False)
        command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", build.program("liveswap"), "-c",
                   str(web.file)]
        container = self.run_process(*command, env={**web.env, "NOTIFY_SOCKET": ""})
        self.wait_until(lambda: web.ctl("status", "--json").status == 0, 20.0 * SCALE)
        self.assertEqual(web.status()["master"]["guardian"], 1)
        orphans = "for i in 1 2 3 4 5; do (sleep 0.1 &) ; done"
        init = processes.children(container.pid)[0]
        subprocess.run(["nsenter", "--target", str(init), "--pid", "--mount", "sh", "-c", orphans], check=True,
                       timeout=20)
        self.wait_until(lambda: not [child for child in processes.children(init)
                                     if processes.stat(child) and processes.stat(child).state == "Z"])
        os.kill(init, signal.SIGTERM)
        self.assertEqual(container.wait(20.0 * SCALE), 0)
