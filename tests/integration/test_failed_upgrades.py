"""An upgrade that cannot be: the operator is told why, and what served before is not touched."""

import socket

from harness import TestCase, build

CONFIG = """
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: [{worker}]
    workers: 2
    ready: {{timeout: {ready_timeout}}}
    drain: {{timeout: 1s}}
    stop: {{timeout: 1s}}
    env: {{VERSION: v1}}
"""


class FailedUpgrades(TestCase):
    def setUp(self):
        super().setUp()
        self.web = self.start("1s")

    def start(self, ready_timeout):
        return self.liveswap(CONFIG.format(worker=build.program("http_worker"), ready_timeout=ready_timeout))

    def served_by(self):
        return {(worker["pid"], worker["release"]) for worker in self.web.workers("ready")}

    def fails(self, reason, *arguments, status=1):
        """What the operator's terminal shows of an upgrade that fails, and leaves all as it was."""
        before = self.served_by()
        shown = self.web.ctl("upgrade", *arguments, status=status)
        self.assertEqual(self.served_by(), before)
        app = self.web.app()
        self.assertEqual((app["state"], app["release"], app["generation"]), ("running", 1, 1))
        self.assertIn("version=v1 ", self.web.get("http").body)
        result = self.web.ctl("upgrade", "--json", *arguments, status=status).result
        self.assertEqual((result["result"], result["reason"], result["serving"]), ("rolled_back", reason, 2))
        self.wait_until(lambda: self.web.workers() == self.web.workers("ready"))
        return shown.out + shown.err

    def test_a_program_that_is_not_there_is_named(self):
        self.assertIn("exec /nowhere/server: No such file or directory",
                      self.fails("exec_failed", "--", "/nowhere/server"))

    def test_a_program_that_is_not_executable_is_named(self):
        path = self.write("server", "no program\n", 0o644)
        self.assertIn(f"exec {path}: Permission denied", self.fails("exec_failed", "--", path))

    def test_a_script_whose_interpreter_is_not_there_is_named(self):
        path = self.write("server", "#!/nowhere/interpreter\n", 0o755)
        self.assertIn(str(path), self.fails("exec_failed", "--", path))

    def test_a_program_of_another_format_is_named(self):
        path = self.write("server", "neither ELF nor a script\n", 0o755)
        self.assertIn(f"exec {path} (no program, and no #! line): Exec format error",
                      self.fails("exec_failed", "--", path))

    def test_a_program_that_ends_at_once_shows_its_status_and_last_lines(self):
        program = self.script("server", "echo first >&2; echo 'no such table: users' >&2; exit 3\n")
        shown = self.fails("exited_before_ready", "--", program)
        self.assertIn("exit status 3", shown)
        self.assertIn("no such table: users", shown)

    def test_a_program_that_a_signal_ends_names_the_signal(self):
        program = self.script("server", "kill -SEGV $$\n")
        self.assertIn("SIGSEGV", self.fails("exited_before_ready", "--", program))

    def test_a_program_that_never_says_that_it_is_ready_is_told_of_sd_notify_and_delay(self):
        program = self.script("server", "echo still warming up >&2\nexec sleep 600\n")
        shown = self.fails("ready_timeout", "--", program)
        self.assertIn("sd_notify", shown)
        self.assertIn("ready: {when: delay}", shown)
        self.assertIn("still warming up", shown)

    def test_what_failed_is_gone_when_the_upgrade_has_answered_with_all_it_started(self):
        program = self.script("server", "sleep 600 &\nsetsid sleep 601 &\nexec sleep 602\n")
        self.fails("ready_timeout", "--", program)
        self.ended_well(self.web)

    def test_a_directory_that_is_not_there_is_refused(self):
        config = CONFIG.format(worker=build.program("http_worker"), ready_timeout="1s")
        self.web.configure(config + "    cwd: /no/such/directory\n")
        self.assertIn("/no/such/directory", self.refused())

    def test_a_bad_file_is_refused_with_its_line(self):
        self.web.configure(CONFIG.format(worker=build.program("http_worker"), ready_timeout="1s") + "    worker: 3\n")
        self.assertRegex(self.refused(), r'web\.yaml:\d+:\d+: .*worker.*did you mean "workers"')

    def test_a_file_whose_listeners_changed_is_refused_with_their_names(self):
        config = CONFIG.format(worker=build.program("http_worker"), ready_timeout="1s")
        self.web.configure(config.replace("{http: tcp://127.0.0.1:0}",
                                          "{http: tcp://127.0.0.1:1, extra: tcp://127.0.0.1:2}"))
        shown = self.refused()
        self.assertIn("http", shown)
        self.assertIn("extra", shown)

    def refused(self):
        """What is shown of an upgrade that is not even begun."""
        before = self.served_by()
        result = self.web.ctl("upgrade")
        self.assertIn(result.status, (1, 2), result)
        self.assertEqual(self.served_by(), before)
        return result.out + result.err

    def test_an_upgrade_while_one_runs_is_busy_and_the_first_goes_on(self):
        self.web = self.start("20s")
        first = self.web.ctl_process("upgrade", "--env", "READY_MS=1500", "--env", "VERSION=v2")
        self.web.wait_app(lambda app: app["rollout"] is not None)
        second = self.web.ctl("upgrade", "--env", "VERSION=v3", status=6)
        self.assertRegex(second.out + second.err, r"abort|wait")
        self.assertEqual(self.web.ctl("upgrade", "--json", status=6).result["reason"], "busy")
        self.assertEqual(first.wait(20.0), 0, first.tail())
        first.close()
        self.assertIn("version=v2 ", self.web.get("http").body)

    def test_an_upgrade_while_older_generations_drain_is_fine(self):
        kept = self.kept_connection()
        self.web.ctl("upgrade", "--env", "VERSION=v2", "--wait", "committed", status=0)
        self.web.ctl("upgrade", "--env", "VERSION=v3", status=0)
        self.assertIn("version=v3 ", self.web.get("http").body)
        kept.close()

    def kept_connection(self):
        """A connection on which a request has begun, so that its worker cannot leave yet."""
        host, port = self.web.status()["listeners"][0]["address"].rsplit(":", 1)
        kept = socket.create_connection((host, int(port)))
        kept.sendall(b"GET /slow?ms=60000 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.addCleanup(kept.close)
        return kept

    def test_a_first_start_that_fails_ends_the_master_with_the_workers_last_lines(self):
        web = self.liveswap(CONFIG.format(worker=self.script("bad", "echo 'cannot find my data' >&2; exit 4\n"),
                                          ready_timeout="5s"), start=False)
        web.launch()
        self.assertEqual(web.process.wait(20.0), 1)
        said = web.said()
        self.assertIn("exit status 4", said)
        self.assertIn("cannot find my data", said)
