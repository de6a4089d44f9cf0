"""liveswapctl and the control socket of a real master: exit statuses, who may do what, clients that misbehave."""

import json
import os
import shutil
import signal
import socket
import subprocess
import unittest

from harness import TestCase, build, processes

RESULT_KEYS = ["type", "result", "app", "release", "generation", "reason", "serving"]
NOBODY = 65534


def app(name="web", workers=2, command=None, extra=""):
    """An app of a configuration, with the listener http."""
    return f"""  {name}:
    command: {json.dumps(command or [build.program("http_worker")])}
    listeners: [http]
    workers: {workers}
{extra}"""


def config(*apps, extra=""):
    return "listeners:\n  http: tcp://127.0.0.1:0\n" + extra + "apps:\n" + "".join(apps or (app(),))


class ExitStatus(TestCase):
    """What README and manual page promise of exit statuses and of --json's last line."""

    def result_of(self, master, *command, status):
        ended = master.ctl(*command, "--json", status=status) if "--" not in command else master.ctl(
            command[0], "--json", *command[1:], status=status)
        self.assertEqual(list(ended.result), RESULT_KEYS, ended)
        self.assertEqual(ended.result["type"], "result")
        return ended.result

    def never_ready(self, master, *options):
        """An upgrade to what never gets ready, under way."""
        upgrade = master.ctl_process("upgrade", *options, "--", "/bin/sleep", "600")
        self._processes.append(upgrade)
        upgrade.wait_line("starting", stream="out")
        return upgrade

    def test_0_is_done_or_nothing_to_do(self):
        master = self.liveswap(config())
        self.assertEqual(self.result_of(master, "upgrade", status=0),
                         {"type": "result", "result": "done", "app": "web", "release": 2, "generation": 2,
                          "reason": None, "serving": 2})
        unchanged = self.result_of(master, "upgrade", "--if-changed", status=0)
        self.assertEqual((unchanged["result"], unchanged["reason"]), ("unchanged", "unchanged"))
        self.assertEqual(master.ctl("is-ready", "-q", status=0).out, "")
        self.ended_well(master)

    def test_1_is_failed_while_what_served_before_still_serves(self):
        master = self.liveswap(config())
        dies = self.script("dies", "echo no module named x >&2\nexit 3\n")
        failed = master.ctl("upgrade", "--", dies, status=1)
        self.assertIn("rolled back: a worker ended before it was ready: exit status 3 (exited_before_ready)",
                      failed.err)
        self.assertIn("    | no module named x\n", failed.err)
        self.assertIn("  r1 (g1) serves: 2 of 2 workers ready\n", failed.err)
        self.assertIn(f"  next: read its last lines: liveswapctl --control {master.control} logs\n", failed.err)
        result = self.result_of(master, "upgrade", "--", dies, status=1)
        self.assertEqual((result["result"], result["release"], result["serving"], result["reason"]),
                         ("rolled_back", 1, 2, "exited_before_ready"))
        self.assertEqual(self.result_of(master, "abort", status=1)["reason"], "no_rollout")
        self.ended_well(master)

    def test_2_is_wrong_usage_or_a_bad_file(self):
        master = self.liveswap(config(app(), app("api")))
        for command in (["upgarde"], ["upgrade", "--wiat", "ready"], ["scale", "web", "many"], ["upgrade"],
                        ["upgrade", "wbe"], ["pause", "htpp"], ["signal", "web", "NOPE"], ["stop", "web", "--all"]):
            ended = master.ctl(*command, status=2)
            self.assertTrue(ended.err.startswith("liveswapctl: "), ended)
            self.assertEqual(master.ctl(*command, "--json", status=2).result["result"], "bad_usage", command)
        self.assertIn('there is no app "wbe" (did you mean "web"?)', master.ctl("upgrade", "wbe").err)
        self.assertIn("name one of them, or --all: web, api", master.ctl("upgrade").err)
        master.configure("aps:\n  web: {}\n")
        bad = master.ctl("upgrade", "web", status=2)
        self.assertIn('unknown key "aps" (did you mean "apps"?)', bad.err)
        self.assertEqual([each["state"] for each in master.status()["apps"]], ["running", "running"])
        self.ended_well(master)

    def test_3_is_no_master_and_every_path_that_was_tried_is_told(self):
        nowhere = {"RUNTIME_DIRECTORY": str(self.directory / "nowhere"), "LIVESWAP_NAME": "", "LIVESWAP_CONTROL": ""}
        ended = subprocess.run([build.program("liveswapctl"), "-n", "web", "status"], env={**os.environ, **nowhere},
                               capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(ended.returncode, 3)
        self.assertIn(f"\n  {self.directory}/nowhere/control.sock: No such file or directory\n", ended.stderr)

    def test_3_is_a_master_that_dies_while_somebody_waits(self):
        master = self.liveswap(config(), args=["--no-guardian"])
        upgrade = self.never_ready(master, "--timeout", "5s")
        master.process.signal(signal.SIGKILL)
        self.assertEqual(upgrade.wait(20), 3)
        upgrade.finish_output()
        self.assertRegex(upgrade.err.text(),
                         r"went away: it closed the connection, and it did not come back within \ds, before upgrade "
                         r"had ended; what was asked for may have happened, or happen still \(master_gone\)")
        self.assertEqual(master.ctl("ping").status, 3)

    def test_3_is_a_master_that_does_not_answer(self):
        with socket.socket(socket.AF_UNIX) as silent:
            path = self.directory / "silent.sock"
            silent.bind(str(path))
            silent.listen(1)
            ended = subprocess.run([build.program("liveswapctl"), "--control", path, "ping"], capture_output=True,
                                   text=True, timeout=60, check=False)
        self.assertEqual(ended.returncode, 3)
        self.assertIn(f"the master at {path} does not answer (no_master)", ended.stderr)

    def test_3_is_something_else_on_the_socket(self):
        for answer in (b"HTTP/1.1 400 Bad Request\r\n\r\n\0", b"{}\0" * 0, b"[" * 5000 + b"\0", b"x" * 2000000):
            with self.subTest(answer=answer[:20]), socket.socket(socket.AF_UNIX) as liar:
                path = self.directory / f"liar{len(answer)}.sock"
                liar.bind(str(path))
                liar.listen(1)
                client = self.run_process(build.program("liveswapctl"), "--control", path, "status")
                peer, _ = liar.accept()
                with peer:
                    peer.recv(65536)
                    try:
                        peer.sendall(answer)
                    except OSError:
                        pass
                self.assertEqual(client.wait(30), 3, client.tail())

    def test_5_is_timed_out_and_the_rollout_goes_on(self):
        master = self.liveswap(config())
        result = self.result_of(master, "upgrade", "--timeout", "100ms", "--", "/bin/sleep", "600", status=5)
        self.assertEqual((result["result"], result["reason"]), ("timed_out", "timed_out"))
        self.assertEqual(master.app()["state"], "upgrading")
        self.assertEqual(master.ctl("wait", "--for", "ready", "--timeout", "50ms").status, 5)
        self.assertEqual(master.ctl("is-ready", "-q").status, 0)  # the old generation serves at full strength
        aborted = master.ctl("abort", status=0)
        self.assertIn("web: rolled back; r1 (g1) serves: 2 of 2 workers ready\n", aborted.out)
        self.ended_well(master)

    def test_6_is_busy_while_a_rollout_is_under_way(self):
        master = self.liveswap(config())
        upgrade = self.never_ready(master)
        busy = self.result_of(master, "upgrade", status=6)
        self.assertEqual((busy["result"], busy["reason"], busy["serving"]), ("busy", "busy", 2))
        for command in (["scale", "3"], ["restart"]):
            self.assertEqual(master.ctl(*command).status, 6, command)
        master.ctl("abort", status=0)
        self.assertEqual(upgrade.wait(20), 1)
        upgrade.finish_output()
        self.assertIn("rolled back: an operator stopped the rollout (aborted)", upgrade.err.text())
        self.ended_well(master)

    def test_7_is_failed_and_not_at_full_strength(self):
        master = self.liveswap(config(app(extra="    restart: {delay: 300s, max_delay: 300s}\n")))
        for _ in range(2):  # the first one comes back at once
            worker = master.wait_app(lambda app: next((w for w in app["workers"] if w["slot"] == 1 and w["pid"]
                                                       and w["state"] == "ready"), None))
            found = next(w for w in worker["workers"] if w["slot"] == 1)
            os.kill(found["pid"], signal.SIGKILL)
            master.wait_app(lambda app, pid=found["pid"]: all(w["pid"] != pid for w in app["workers"]))
        master.wait_app(lambda app: app["workers_ready"] == 1)
        result = self.result_of(master, "upgrade", "--", "/nonexistent", status=7)
        self.assertEqual((result["result"], result["serving"], result["reason"]), ("rolled_back", 1, "exec_failed"))
        self.ended_well(master)

    def test_130_is_interrupted_and_the_rollout_goes_on(self):
        master = self.liveswap(config())
        upgrade = self.never_ready(master)
        upgrade.signal(signal.SIGINT)
        self.assertEqual(upgrade.wait(20), 130)
        upgrade.finish_output()
        self.assertEqual(upgrade.err.text(),
                         "liveswapctl: interrupted; the rollout goes on (interrupted)\n"
                         f"  next: liveswapctl --control {master.control} wait, "
                         f"or: liveswapctl --control {master.control} abort")
        self.assertEqual(master.app()["state"], "upgrading")
        master.ctl("abort", status=0)
        follow = master.ctl_process("events", "-f")
        self._processes.append(follow)
        follow.wait_line("running", stream="out")
        follow.signal(signal.SIGINT)
        self.assertEqual(follow.wait(20), 130)
        self.ended_well(master)


class Commands(TestCase):
    def test_events_and_logs_are_followed(self):
        says = self.script("says", "trap 'exit 0' TERM\necho hello from $LIVESWAP_SLOT\n"
                                   "while :; do read line <&3 2>/dev/null; sleep 0.1; done\n")
        master = self.liveswap(config(app(workers=1, command=[str(says)],
                                          extra="    ready: {when: delay, delay: 100ms}\n")))
        self.wait_until(lambda: "web/0 g1 | hello from 0\n" in master.ctl("logs", "web").out)
        logs, events = master.ctl_process("logs", "-f", "--tail", "0"), master.ctl_process("events", "-f", "--json")
        self._processes += [logs, events]
        events.wait_line('"event":"app_running"', stream="out")
        master.ctl("restart", status=0)
        logs.wait_line(r"^web/0 g2 \| hello from 0$", stream="out")
        events.wait_line('"event":"rollout_done"', stream="out")
        for each in (logs, events):
            each.signal(signal.SIGTERM)
            self.assertEqual(each.wait(20), 130)
        for line in events.out.text().splitlines():
            self.assertEqual(json.loads(line)["type"], "event")

    def test_the_file_the_name_and_the_environment_find_the_master(self):
        master = self.liveswap(config())
        for words, environment in ((["-c", str(master.file)], {}), (["-n", "web"], {}),
                                   ([], {"LIVESWAP_NAME": "web"}), ([], {"LIVESWAP_CONTROL": str(master.control)})):
            ended = subprocess.run([build.program("liveswapctl"), *words, "ping"], env={**master.env, **environment},
                                   capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual((ended.returncode, ended.stdout), (0, f"web answers (PID {master.pid})\n"), ended.stderr)
        listed = subprocess.run([build.program("liveswapctl"), "ls", "--json"], env=master.env, capture_output=True,
                                text=True, timeout=20, check=True)
        self.assertIn(master.pid, [json.loads(line)["master"]["pid"] for line in listed.stdout.splitlines()])

    def test_status_json_is_one_object_with_the_promised_members(self):
        master = self.liveswap(config())
        status = master.status()
        self.assertLessEqual({"name", "version", "master", "listeners", "apps"}, set(status))
        self.assertLessEqual({"pid", "since"}, set(status["master"]))
        self.assertLessEqual({"name", "address", "handoff", "queue", "backlog"}, set(status["listeners"][0]))
        self.assertLessEqual({"name", "protocol", "state", "generation", "release", "label", "target", "workers_wanted",
                              "workers_ready", "overrides", "rollout", "waiting_for", "workers"},
                             set(status["apps"][0]))
        self.assertLessEqual({"slot", "pid", "generation", "release", "state", "since", "restarts", "connections"},
                             set(status["apps"][0]["workers"][0]))
        self.assertRegex(status["master"]["since"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_overrides_belong_to_one_release_and_are_shown(self):
        master = self.liveswap(config())
        master.ctl("upgrade", "--env", "VERSION=v9", "--label", "nine", status=0)
        self.assertIn("version=v9", master.get("http").body)
        app_now = master.app()
        self.assertEqual((app_now["label"], app_now["overrides"]), ("nine", ["--env VERSION=v9"]))
        master.ctl("upgrade", status=0)
        self.assertIn("version=v1", master.get("http").body)
        self.assertEqual(master.app()["overrides"], [])

    def test_shells_take_the_completion_scripts(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.write(f"completion.{shell}", subprocess.run(
                [build.program("liveswapctl"), "completion", shell], capture_output=True, text=True, check=True).stdout)
            if shutil.which(shell):
                subprocess.run([shell, "-n", script], check=True)
        offered = subprocess.run(
            ["bash", "-c", 'source "$1"; for words in "up" "upgrade --wait " "logs --ta" "-n x sta"; do '
             'COMP_WORDS=(liveswapctl $words); [[ $words == *" " ]] && COMP_WORDS+=(""); '
             'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _liveswapctl; echo "${COMPREPLY[@]}"; done',
             "bash", self.directory / "completion.bash"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(offered.splitlines(), ["upgrade", "none ready committed drained", "--tail", "status start"])

    def test_the_same_scripts_complete_the_options_of_liveswap_and_the_files_behind_them(self):
        script = self.write("completion.bash", subprocess.run(
            [build.program("liveswapctl"), "completion", "bash"], capture_output=True, text=True, check=True).stdout)
        (self.directory / "files").mkdir()
        for name in ("index1.js", "index2.js"):
            self.write(f"files/{name}", "")
        lines = ["--pre", "-s in", "-u index2", "-s index1.js -f ", "-s index1.js -- in", "-u --he"]
        offered = subprocess.run(
            ["bash", "-c", 'source "$1"; shift; for line; do COMP_WORDS=(liveswap $line); '
             '[[ $line == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=(); '
             '$(complete -p liveswap | sed "s/.*-F \\([^ ]*\\).*/\\1/"); '
             'printf "%s\\n" "${COMPREPLY[@]}" | sort | xargs; done',
             "bash", script, *lines], capture_output=True, text=True, check=True, cwd=self.directory / "files").stdout
        self.assertEqual(offered.splitlines(), ["--pre-upgrade", "index1.js index2.js", "index2.js", "",
                                                "index1.js index2.js", "--head --help"])


@unittest.skipUnless(os.geteuid() == 0, "needs root, to be somebody else")
class Levels(TestCase):
    """Who somebody is decides what he may do."""

    def setUp(self):
        super().setUp()
        self.directory.chmod(0o711)
        self.program = self.directory / "liveswapctl"
        shutil.copy(build.program("liveswapctl"), self.program)

    def as_nobody(self, master, *command):
        ended = subprocess.run([self.program, "--control", master.control, *command], user=NOBODY, group=NOBODY,
                               extra_groups=[], capture_output=True, text=True, timeout=60, check=False, cwd="/",
                               env={"PATH": "/usr/bin:/bin"})
        return ended.returncode, ended.stdout + ended.stderr

    def master(self, control):
        master = self.liveswap(config(extra=control), start=False)
        master.directory.chmod(0o711)
        master.runtime.chmod(0o711)
        return master.start(60)

    def test_nobody_else_can_even_connect_by_default(self):
        master = self.master("")
        self.assertEqual(master.control.stat().st_mode & 0o777, 0o600)
        status, said = self.as_nobody(master, "ping")
        self.assertEqual(status, 4)
        self.assertIn("Permission denied (denied)", said)

    def test_a_stranger_is_turned_away_where_others_are_listed(self):
        master = self.master("control: {observers: {users: [daemon]}}\n")
        self.assertEqual(master.control.stat().st_mode & 0o777, 0o666)
        for command in (["ping"], ["shutdown", "--now"]):
            status, said = self.as_nobody(master, *command)
            self.assertEqual(status, 4)
            self.assertIn("the control socket needs the level observers, and neither uid 65534 nor its groups are "
                          "listed at any level (control: in the configuration) (denied)", said)
        self.ended_well(master)

    def test_observers_look_operators_change_and_admins_run_what_they_like(self):
        levels = (("observers", {"status": 0, "upgrade": 4, "label": 4, "env": 4, "signal": 4}),
                  ("operators", {"status": 0, "upgrade": 0, "label": 0, "env": 4, "signal": 4}),
                  ("admins", {"status": 0, "upgrade": 0, "label": 0, "env": 0, "signal": 0}))
        commands = {"status": ["status"], "upgrade": ["upgrade"], "label": ["upgrade", "--label", "x"],
                    "env": ["upgrade", "--env", "A=1"], "signal": ["signal", "CONT"]}
        for level, expected in levels:
            group = "groups" if level == "operators" else "users"
            name = "nogroup" if group == "groups" else "nobody"
            master = self.master(f"control: {{{level}: {{{group}: [{name}]}}}}\n")
            for command, status in expected.items():
                with self.subTest(level=level, command=command):
                    got, said = self.as_nobody(master, *commands[command])
                    self.assertEqual(got, status, said)
            master.ctl("shutdown", status=0)

    def test_levels_for_others_on_a_path_that_they_cannot_reach_are_an_error(self):
        master = self.liveswap(config(extra="control: {observers: {users: [nobody]}}\n"), start=False)
        master.launch()
        self.assertEqual(master.process.wait(20), 1)
        self.assertIn(f"control.socket: user nobody cannot reach it, because {master.directory}", master.said())


class Misbehaviour(TestCase):
    """A client that hangs, floods or lies harms nobody."""

    def setUp(self):
        super().setUp()
        self.master = self.liveswap(config())
        self.before = len(processes.descriptors(self.master.pid))

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(self.master.control))
        client.settimeout(20)
        self.addCleanup(client.close)
        return client

    def served_and_forgotten(self, clients):
        """The master serves others meanwhile, upgrades included, and forgets these once they are gone."""
        self.master.ctl("ping", status=0, timeout=20)
        self.master.ctl("upgrade", status=0, timeout=60)
        for client in clients:
            client.close()
        self.wait_until(lambda: len(processes.descriptors(self.master.pid)) <= self.before, 20)

    def test_clients_that_connect_and_say_nothing_or_half_of_something(self):
        silent = [self.connect() for _ in range(100)]
        for client in silent[50:]:
            client.sendall(b'{"method":"org.liveswap.Control.Sta')
        self.served_and_forgotten(silent)

    def test_clients_that_send_and_never_read(self):
        flood = b'{"method":"org.liveswap.Control.Status"}\0' * 1000
        clients = [self.connect() for _ in range(10)]
        for client in clients:
            client.setblocking(False)
            try:
                while True:
                    client.send(flood)
            except BlockingIOError:
                pass
        memory = processes.memory_kb(self.master.pid)
        self.served_and_forgotten(clients)
        if not build.SANITIZED:
            self.assertLess(memory, 60_000)

    def test_clients_that_lie(self):
        for lie in (b"\0", b"GET / HTTP/1.1\r\n\r\n\0", b"[" * 100000 + b"\0", b'{"method":' + b'"x' * 300000 + b"\0",
                    os.urandom(100000).replace(b"\0", b"") + b"\0", b" " * (2 << 20),
                    b'{"method":"org.liveswap.Control.Upgrade","parameters":{"environment":{' +
                    b",".join(b'"v%d":"x"' % i for i in range(50000)) + b"}}}\0"):
            client = self.connect()
            try:
                client.sendall(lie)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            except OSError:
                pass
            client.close()
        self.served_and_forgotten([])
        self.assertEqual(self.master.app()["release"], 2, "nothing that a lie said was done")

    def test_followers_that_do_not_read_lose_lines_and_cost_nobody(self):
        followers = []
        for _ in range(20):
            client = self.connect()
            client.sendall(b'{"method":"org.liveswap.Control.Events","parameters":{"follow":true},"more":true}\0')
            followers.append(client)
        for _ in range(10):
            self.master.ctl("restart", status=0)
        self.served_and_forgotten(followers)

    def test_as_many_clients_as_there_may_be_and_more(self):
        crowd = [self.connect() for _ in range(300)]
        refused = crowd[-1]
        answer = json.loads(refused.makefile("rb").read().rstrip(b"\0"))
        self.assertEqual(answer["parameters"]["outcome"]["reason"], "too_many_clients")
        self.assertEqual(self.master.ctl("ping").status, 1)
        for client in crowd[:50]:
            client.close()
        self.wait_until(lambda: self.master.ctl("ping").status == 0)
        self.served_and_forgotten(crowd)

    def test_a_client_that_dies_in_the_middle_takes_nothing_with_it(self):
        client = self.connect()
        client.sendall(b'{"method":"org.liveswap.Control.Upgrade","more":true}\0')
        client.recv(10)
        client.close()
        self.master.wait_app(lambda app: app["generation"] == 2 and app["state"] == "running")
        self.served_and_forgotten([])
