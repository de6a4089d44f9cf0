"""A master in somebody else's process: the example as people would run it, and a host that must not be touched."""

import json
import os
import re
import shutil
import signal

from harness import TestCase, build, http_get


class Embedded(TestCase):
    def setUp(self):
        super().setUp()
        self.runtime = self.directory / "run"
        self.runtime.mkdir(mode=0o700)
        self.target = self.directory / "server"
        shutil.copy(build.program("http_worker"), self.target)
        # What the host is told of its own service manager is not the master's to answer.
        self.env = self.environment(RUNTIME_DIRECTORY=str(self.runtime), VERSION="v1",
                                    NOTIFY_SOCKET=str(self.directory / "nobody"))

    def run_host(self, program, *arguments):
        return self.run_process(build.program(program), build.program("liveswap-launch"), *arguments, env=self.env)

    def ctl(self, *words):
        process = self.run_process(build.program("liveswapctl"), "--control", self.runtime / "control.sock", *words,
                                   env=self.env)
        status = process.wait(60)
        process.finish_output()
        self.assertEqual(status, 0, process.tail())
        return process.out.text()


class Example(Embedded):
    def start(self):
        host = self.run_host("embedded_master", self.target, "http=tcp://127.0.0.1:0")
        self.address = "tcp://" + host.wait_line(r"http listens on (\S+)", 20, "out").group(1)
        host.wait_line("host: default g1: running", 20, "out")
        return host

    def test_it_serves_is_upgraded_by_its_api_and_by_liveswapctl_and_ends(self):
        host = self.start()
        self.assertIn("generation=1", http_get(self.address).body)
        host.signal(signal.SIGHUP)
        host.wait_line("upgrade done; generation 2 serves", 30, "out")
        self.assertIn("generation=2", http_get(self.address).body)
        self.ctl("upgrade", "--label", "third")
        self.assertIn("generation=3", http_get(self.address).body)
        self.assertEqual(json.loads(self.ctl("status", "--json"))["master"]["pid"], host.pid)
        host.signal(signal.SIGTERM)
        self.assertEqual(host.wait(30), 0, host.tail())
        self.assertFalse((self.runtime / "control.sock").exists())
        self.assert_nothing_left()

    def test_an_upgrade_that_fails_leaves_the_old_release_and_is_told_to_the_host(self):
        host = self.start()
        os.replace(self.script("broken", "exit 3\n"), self.target)
        host.signal(signal.SIGHUP)
        host.wait_line("host: upgrade rolled_back; generation 1 serves", 30, "out")
        host.wait_line("host: a worker ended before it was ready: exit status 3", 30, "out")
        self.assertIn("generation=1", http_get(self.address).body)
        host.signal(signal.SIGTERM)
        self.assertEqual(host.wait(30), 0, host.tail())
        self.assert_nothing_left()


class ForeignHost(Embedded):
    def run_mode(self, mode, target=None, address="tcp://127.0.0.1:0", **options):
        host = self.run_process(build.program("embed_host"), build.program("liveswap-launch"), mode,
                                target or self.target, address, env=self.env, **options)
        status = host.wait(60)
        host.finish_output()
        return status, host.out.text().split("\n"), host

    def assert_untouched(self, said):
        for line in ("untouched 1", "descriptors left 0", "own child 7", "own handler 1", "others to reap 0"):
            self.assertIn(line, said)

    def test_on_a_loop_of_its_own_it_is_upgraded_and_stopped_by_the_host(self):
        status, said, host = self.run_mode("own")
        self.assertEqual(status, 0, host.tail())
        for line in ("upgrade done", "generation 2", "ended 0", "run 0", "events 1"):
            self.assertIn(line, said)
        shown = json.loads(next(line for line in said if line.startswith("status {")).removeprefix("status "))
        self.assertEqual(shown["apps"][0]["label"], "second")
        self.assertTrue(any(re.match('refused: .*nobody', line) for line in said), said)
        self.assert_untouched(said)
        self.assertIn("liveswap: default: ", host.err.text())
        self.assert_nothing_left()

    def test_a_loop_of_the_hosts_is_empty_at_the_end(self):
        status, said, host = self.run_mode("borrowed")
        self.assertEqual(status, 0, host.tail())
        for line in ("upgrade done", "ended 0", "loop busy 0", "events 1"):
            self.assertIn(line, said)
        self.assert_untouched(said)
        self.assert_nothing_left()

    def test_lines_come_by_callback_and_nothing_is_written(self):
        target = self.script("greeter", f"echo hello; exec {self.target}\n")
        status, said, host = self.run_mode("callback", target)
        self.assertEqual(status, 0, host.tail())
        self.assertTrue(any(re.match(r"line \[\] liveswap: default: ", line) for line in said), said)
        self.assertIn("line [default] hello", said)
        self.assertEqual(host.err.text(), "")
        self.assert_untouched(said)

    def test_destroyed_while_workers_run_it_takes_them_along(self):
        status, said, host = self.run_mode("leave")
        self.assertEqual(status, 0, host.tail())
        self.assertIn("loop busy 0", said)
        self.assertFalse(any(line.startswith("ended") for line in said), said)
        self.assert_untouched(said)
        self.assertFalse((self.runtime / "control.sock").exists())
        self.assert_nothing_left()

    def test_what_cannot_be_run_is_an_error_and_not_the_hosts_end(self):
        status, said, _ = self.run_mode("borrowed", target=self.directory / "missing")
        self.assertEqual(status, 1)
        self.assertTrue(any(line.startswith("not created: ") and "missing" in line for line in said), said)
        self.assert_untouched(said)

    def test_options_that_make_no_sense_are_errors_each_with_its_reason(self):
        status, said, host = self.run_mode("refusals")
        self.assertEqual(status, 0, host.tail())
        said = "\n".join(said)
        for pattern in ("refused: either a file or a target or head must be given\n"
                        "refused: either a file or a target or head must be given\n"
                        "refused: what a file has keys for belongs to a target alone: ",
                        r"refused: \S*missing.yaml: No such file or directory",
                        r"refused: -l no address: .*\n-f \d+: 1 to 4096 workers",
                        r"refused: open\(/nonexistent\): No such file or directory\n",
                        rf'first 1\nrefused: a master called "default" is running already: PID {host.pid} '):
            self.assertRegex(said, pattern)
        self.assert_untouched(said.split("\n"))

    def test_a_configuration_file_with_two_apps_wants_the_apps_name_for_an_upgrade(self):
        app = f"command: [{self.target}], listeners: [http], workers: 1"
        file = self.write("two.yaml", "listeners: {http: {address: 'tcp://127.0.0.1:0'}}\n"
                          f"apps:\n  web: {{{app}}}\n  api: {{{app}}}\n")
        host = self.run_process(build.program("embed_host"), build.program("liveswap-launch"), "borrowed", file, "-",
                                env=self.env)
        self.assertRegex(host.wait_line("refused: (.*)", 30, "out").group(1), "web|api")
        self.ctl("shutdown")
        self.assertEqual(host.wait(30), 0, host.tail())
        self.assert_nothing_left()

    def test_signals_are_the_masters_where_the_host_says_so(self):
        host = self.run_process(build.program("embed_host"), build.program("liveswap-launch"), "signals", self.target,
                                "tcp://127.0.0.1:0", env=self.env)
        host.wait_line(r"^running \d+", 30, "out")
        host.signal(signal.SIGUSR2)
        host.wait_line("default g2: running|default g2: .*done|g1: gone|g1: draining", 30)
        host.signal(signal.SIGTERM)
        self.assertEqual(host.wait(30), 0, host.tail())
        host.finish_output()
        self.assertIn("run 0", host.out.text().split("\n"))
        self.assertIn("own child 7", host.out.text().split("\n"))

    def test_an_address_that_is_taken_is_an_error_and_the_loop_is_empty(self):
        holder = self.run_host("embedded_master", self.target, "http=tcp://127.0.0.1:0")
        taken = "tcp://" + holder.wait_line(r"http listens on (\S+)", 20, "out").group(1)
        other = self.directory / "other"
        other.mkdir(mode=0o700)
        self.env["RUNTIME_DIRECTORY"] = str(other)
        status, said, _ = self.run_mode("borrowed", address=taken)
        self.assertEqual(status, 1)
        self.assertTrue(any(re.match("not started: .*in use", line) for line in said), said)
        self.assertIn("loop busy 0", said)
        self.assert_untouched(said)
        holder.signal(signal.SIGTERM)
        self.assertEqual(holder.wait(30), 0, holder.tail())
        self.assert_nothing_left()

    def test_a_reader_of_its_output_that_has_gone_does_not_end_the_host(self):
        read, write = os.pipe()
        os.close(read)
        try:
            launch = ["sh", "-c", f'exec "$@" 2>&{write}', "sh"]
            host = self.run_process(*launch, build.program("embed_host"), build.program("liveswap-launch"), "borrowed",
                                    self.target, "tcp://127.0.0.1:0", env=self.env, pass_fds=[write])
        finally:
            os.close(write)
        self.assertEqual(host.wait(60), 0, host.tail())
        host.finish_output()
        self.assertIn("ended 0", host.out.text().split("\n"))
