"""The namesake's command line: `liveswap -s TARGET`, the short forms, HEAD, and what is no use of it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from harness import LONG, TestCase, build, net

UPGRADES = 100 if LONG else 10
NODE = shutil.which("node")

# The namesake's two programs as its README has them, but for their port.
INDEX1 = """var http = require('http')
http.createServer(function (req, res) {
  res.writeHead(200, {'Content-Type': 'text/plain'})
  res.end('Hello World\\n')
}).listen(1337, '127.0.0.1')
console.log('Server running at http://127.0.0.1:1337/')
"""
INDEX2 = """var http = require('http')
http.createServer(function (req, res) {
  res.writeHead(404, {'Content-Type': 'text/plain'})
  res.end('Not Found\\n')
}).listen(1337, '127.0.0.1')
console.log('Server running at http://127.0.0.1:1337/')
"""

PYTHON = """
import os, signal, socket, sys
listener = socket.socket(fileno=3)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
while True:
    connection, _ = listener.accept()
    connection.recv(4096)
    body = " ".join([__file__, *sys.argv[1:]]).encode()
    head = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" % len(body)
    connection.sendall(head + body)
    connection.close()
"""
PERL = """
use Socket;
open(my $listener, '+<&=', 3) or die $!;
socket(my $notify, AF_UNIX, SOCK_DGRAM, 0) or die $!;
send($notify, 'READY=1', 0, pack_sockaddr_un($ENV{NOTIFY_SOCKET})) or die $!;
$SIG{TERM} = sub { exit 0 };
while (accept(my $connection, $listener)) {
  sysread($connection, my $request, 4096);
  my $body = "perl @ARGV";
  my $head = "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\nConnection: close\\r\\n\\r\\n";
  syswrite($connection, $head . $body);
  close($connection);
}
"""


class CommandLine(TestCase):
    timeout_s = 3600.0 if LONG else 240.0

    def setUp(self):
        super().setUp()
        self.port = net.free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.directory.chmod(0o755)

    def scripts(self, **texts):
        for name, text in texts.items():
            self.write(name + ".js", text.replace("1337", str(self.port)))

    def serve(self, *words, start=True, **options):
        """A master without a file, in the test's directory."""
        web = self.liveswap(None, start=False, args=words, cwd=self.directory, **options)
        return web.start(60.0) if start else web

    def run_liveswap(self, *words, env=None, cwd=None, timeout=60):
        ended = subprocess.run([build.program("liveswap"), *words], env=self.environment(**(env or {})), text=True,
                               cwd=cwd or self.directory, capture_output=True, timeout=timeout, check=False)
        return ended.returncode, ended.stdout, ended.stderr

    def ask(self, web, *words, status=0, **options):
        """A short form that asks the master."""
        result = self.run_liveswap("--control", str(web.control), *words, env=web.env, **options)
        self.assertEqual(result[0], status, f"{words}: {result}\n{web.process.tail()}")
        return result[1] + result[2]

    def body(self):
        return net.http_get(self.address).body


@unittest.skipUnless(NODE, "node is not installed")
class NodeScripts(CommandLine):
    def setUp(self):
        super().setUp()
        self.scripts(index1=INDEX1, index2=INDEX2)

    def test_the_namesakes_programs_are_upgraded_under_load_and_nothing_is_lost(self):
        web = self.serve("-s", "index1.js")
        self.assertEqual((web.app()["protocol"], web.app()["workers_ready"]), ("node", 2))
        hammer = self.run_process(build.program("hammer"), "--connections", "16", "--seconds", "3000", "--live", "20",
                                  "--also", "404", self.address, name="hammer")
        hammer.wait_line('"Hello":', 30.0, stream="out")
        for number in range(UPGRADES):
            target, word = (("./index2.js", "Not"), ("./index1.js", "Hello"))[number % 2]
            self.ask(web, "-u", target)
            hammer.wait_line(f'"{word}":', 30.0, stream="out", skip=hammer.out.count())
        hammer.signal(signal.SIGTERM)
        self.assertEqual(hammer.wait(), 0, hammer.tail())
        hammer.finish_output()
        result = json.loads(hammer.out.text().splitlines()[-1])
        self.assertEqual(sum(result["failures"].values()), 0, result)
        self.assertGreater(result["successes"], 100)
        self.ended_well(web)

    def test_the_last_target_that_was_rolled_out_is_the_apps(self):
        web = self.serve("-s", "index1.js", "-f", "1")
        self.ask(web, "-u", "./index2.js")
        self.assertEqual(self.body(), "Not Found\n")
        self.assertEqual(web.app()["overrides"], [])
        self.scripts(index2=INDEX2.replace("Not Found", "Found"))
        self.ask(web, "-u")
        self.assertEqual(self.body(), "Found\n")
        self.scripts(index2=INDEX2.replace("Not Found", "Found again"))
        generation = web.app()["generation"]
        web.process.signal(signal.SIGUSR2)
        web.wait_app(lambda app: app["generation"] > generation and app["rollout"] is None)
        self.assertEqual(self.body(), "Found again\n")
        before = web.workers("ready")[0]["pid"]
        os.kill(before, signal.SIGKILL)
        web.wait_app(lambda app: app["workers_ready"] == 1 and app["workers"][0]["pid"] != before)
        self.assertEqual(self.body(), "Found again\n")
        self.ended_well(web)

    def test_a_target_that_fails_is_not_the_apps(self):
        web = self.serve("-s", "index1.js", "-f", "1")
        self.write("bad.js", "throw new Error('no such luck')")
        self.assertIn("no such luck", self.ask(web, "-u", "bad.js", status=1))
        self.assertIn("No such file", self.ask(web, "-u", "missing.js", status=1))
        self.ask(web, "-u")
        self.assertEqual(self.body(), "Hello World\n")
        self.ended_well(web)

    def test_a_relative_path_is_the_clients_and_its_output_and_status_are_liveswapctls(self):
        web = self.serve("-s", "index1.js", "-f", "1")
        self.write("other/index.js", (self.directory / "index2.js").read_text())
        said = self.ask(web, "-u", "index.js", cwd=self.directory / "other")
        self.assertEqual(said.splitlines()[-1], "default: r2 (g2) serves: 1 of 1 workers ready")
        self.assertEqual(web.app()["target"], str(self.directory / "other/index.js"))
        status, out, err = self.run_liveswap("--control", str(self.directory / "nobody"), "-u")
        self.assertEqual((status, out), (3, ""))
        self.assertIn("liveswapctl: no master can be reached", err)
        self.ended_well(web)

    def test_kill_ends_the_workers_at_once_and_starts_them_again(self):
        web = self.serve("-s", "index1.js")
        before = {worker["pid"] for worker in web.workers("ready")}
        self.ask(web, "-k")
        after = {worker["pid"] for worker in web.workers("ready")}
        self.assertEqual((len(after), after & before), (2, set()))
        self.assertEqual(self.body(), "Hello World\n")
        self.ended_well(web)

    def test_die_ends_all(self):
        web = self.serve("-s", "index1.js")
        self.ask(web, "-d")
        self.assertEqual(web.process.wait(60), 0)
        self.assert_nothing_left()

    def test_a_name_finds_the_master(self):
        web = self.serve("-s", "index1.js", "-n", "shop", "-f", "1")
        status, out, err = self.run_liveswap("-n", "shop", "-u", "index2.js", env=web.env)
        self.assertEqual((status, self.body()), (0, "Not Found\n"), out + err)
        self.ended_well(web)

    def test_a_target_that_needs_another_protocol_is_refused(self):
        web = self.serve("-s", "index1.js", "-f", "1")
        self.write("server.py", PYTHON)
        self.assertIn("it needs protocol bind, and what runs now was given node by the kind of its first target",
                      self.ask(web, "-u", "server.py", status=1))
        self.assertEqual(self.body(), "Hello World\n")
        self.ended_well(web)

    def test_a_files_target_may_become_one_of_another_kind(self):
        self.write("server.py", PYTHON)
        text = "listeners: {http: '%s'}\napps: {web: {target: %s/%s}}\n"
        web = self.liveswap(text % (self.address, self.directory, "index1.js"), timeout=60.0)
        for name, protocol, body in (("server.py", "systemd", f"{self.directory}/server.py"),
                                     ("index2.js", "node", "Not Found\n")):
            web.configure(text % (self.address, self.directory, name))
            web.ctl("upgrade", "--wait", "drained", status=0)
            self.assertEqual((web.app()["protocol"], self.body()), (protocol, body))
        self.ended_well(web)

    def test_a_first_line_makes_a_script_nodes_too(self):
        text = (self.directory / "index1.js").read_text()
        self.write("by_line", "#!/usr/bin/env node\n" + text)
        self.write("executable", "#!/usr/bin/env node\n" + text, 0o755)
        for name in ("by_line", "executable"):
            web = self.serve("-s", name, "-f", "1")
            self.assertEqual((web.app()["protocol"], self.body()), ("node", "Hello World\n"))
            self.ended_well(web)

    def test_zero_downtime_off_stops_the_old_workers_first_and_says_so(self):
        web = self.serve("-s", "index1.js", "-z")
        before = [worker["pid"] for worker in web.workers("ready")]
        said = self.ask(web, "-u", "index2.js")
        self.assertIn("2 workers stopped at once, and what they serve is lost: zero-downtime is off (-z)", said)
        self.assertLess(said.index("stopped at once"), said.index(" ready"))
        self.assertEqual(self.body(), "Not Found\n")
        self.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in before))
        self.write("bad.js", "throw new Error('no such luck')")
        self.assertIn("rolled back", self.ask(web, "-u", "bad.js", status=1))
        self.assertEqual((self.body(), web.app()["workers_ready"]), ("Not Found\n", 2))
        self.ended_well(web)

    # ---- HEAD ----

    def head(self):
        return (self.directory / "HEAD").read_text()

    def test_head_names_what_runs_and_a_new_master_goes_on_from_there(self):
        web = self.serve("-s", "index1.js", "-f", "1", "-H", "HEAD")
        self.assertEqual(self.head(), f"{self.directory}/index1.js\n")
        self.ask(web, "-u", "index2.js")
        self.assertEqual(self.head(), f"{self.directory}/index2.js\n")
        self.write("bad.js", "throw new Error('no such luck')")
        self.ask(web, "-u", "bad.js", status=1)
        self.assertEqual(self.head(), f"{self.directory}/index2.js\n")
        self.ended_well(web)
        web = self.serve("-H", "HEAD", "-f", "1")
        self.assertEqual(self.body(), "Not Found\n")
        self.ended_well(web)
        web = self.serve("-H", "HEAD", "-s", "index1.js", "-f", "1")
        self.assertEqual((self.body(), self.head()), ("Hello World\n", f"{self.directory}/index1.js\n"))
        self.ended_well(web)
        self.assertEqual(sorted(path.name for path in self.directory.glob("HEAD*")), ["HEAD"])

    def test_a_head_that_cannot_be_written_fails_the_upgrade_before_anything_is_touched(self):
        folder = self.directory / "state"
        folder.mkdir()
        web = self.serve("-s", "index1.js", "-f", "1", "-H", "state/HEAD")
        generation, pid = web.app()["generation"], web.workers("ready")[0]["pid"]
        shutil.rmtree(folder)
        said = self.ask(web, "-u", "index2.js", status=1)
        self.assertIn(f"HEAD {folder}/HEAD cannot be written: open({folder}): No such file or directory", said)
        self.assertEqual((web.app()["generation"], web.workers("ready")[0]["pid"]), (generation, pid))
        folder.mkdir()
        self.ask(web, "-u", "index2.js")
        self.assertEqual((folder / "HEAD").read_text(), f"{self.directory}/index2.js\n")
        self.ended_well(web)


class OtherScripts(CommandLine):
    def test_a_python_script_is_run_by_its_ending_and_gets_its_arguments(self):
        self.write("server.py", PYTHON)
        web = self.serve("-s", "server.py", "-l", self.address, "--", "--port", "${port:default}")
        self.assertEqual(self.body(), f"{self.directory}/server.py --port {self.port}")
        self.write("new/server.py", PYTHON)
        self.ask(web, "-u", "new/server.py")
        self.assertEqual(self.body(), f"{self.directory}/new/server.py --port {self.port}")
        self.ended_well(web)

    @unittest.skipUnless(shutil.which("perl"), "perl is not installed")
    def test_a_perl_script_is_run_by_its_ending(self):
        self.write("server.pl", PERL)
        web = self.serve("-s", "server.pl", "-l", self.address, "--", "x")
        self.assertEqual(self.body(), "perl x")
        self.ended_well(web)

    def test_check_tells_what_runs_a_script(self):
        self.write("server.py", PYTHON)
        status, out, err = self.run_liveswap("-s", "server.py", "-l", self.address, "-z", "-H", "HEAD", "--check",
                                             "--", "a b")
        self.assertEqual((status, err), (0, ""))
        self.assertIn(f"\n  command     python3 {self.directory}/server.py 'a b'\n", out)
        self.assertIn("\n  protocol    systemd (by the kind of the target)\n", out)
        self.assertIn("\n  upgrade     stops the old workers at once, before the new ones are ready (-z)\n", out)
        self.assertIn(f"\nHEAD {self.directory}/HEAD\n", out)
        self.assertFalse((self.directory / "HEAD").exists())

    def test_a_files_target_is_run_by_its_ending_too(self):
        self.write("server.py", PYTHON)
        web = self.liveswap(f"listeners: {{http: '{self.address}'}}\n"
                            f"apps: {{web: {{target: {self.directory}/server.py}}}}\n")
        self.assertEqual(self.body(), f"{self.directory}/server.py")
        self.ended_well(web)


class Mistakes(CommandLine):
    """Each is told before anything is done, with status 2."""

    ASKS = {"-u": "to upgrade", "-k": "to end its workers and start them again", "-d": "to end, with all its workers"}

    def assert_told(self, text, *words):
        status, out, err = self.run_liveswap(*words)
        self.assertEqual((status, out), (2, ""), words)
        first = err.removesuffix("Try: liveswap --help\n")
        self.assertEqual(first, f"liveswap: {text}\n", words)

    def test_what_does_not_go_together(self):
        for letter, name in (("-u", "upgrade"), ("-k", "kill"), ("-d", "die")):
            for starter in ("-s", "-c", "-H"):
                self.assert_told(f"{letter} is --{name}: it asks the liveswap that runs {self.ASKS[letter]}; {starter} "
                                 "starts one, which stays in the foreground", starter, "x", letter)
            self.assert_told(f"-f does not go with {letter}, which asks the liveswap that runs {self.ASKS[letter]}",
                             letter, "-f", "2")
        self.assert_told("-k and -u exclude each other: one at a time", "-u", "-k")
        self.assert_told("-d and -k exclude each other: one at a time", "-kd")
        self.assert_told("-c and -s exclude each other", "-c", "x", "-s", "y")
        self.assert_told("-c and -H exclude each other", "-c", "x", "-H", "y")
        self.assert_told("arguments after -- do not go with -u", "-u", "--", "x")

    def test_without_a_word_and_without_a_file_it_says_how_to_begin(self):
        begin = "Try: liveswap -s TARGET, which needs no file, or liveswap --help\n"
        self.assertEqual(self.run_liveswap(),
                         (2, "", "liveswap.yaml: No such file or directory\n" + begin))
        self.assertEqual(self.run_liveswap("-c", "web.yaml"),
                         (2, "", "web.yaml: No such file or directory\n"))
        self.write("liveswap.yaml", "aps: {}\n")
        self.assertNotIn(begin, self.run_liveswap()[2])

    def test_what_is_missing_or_too_much(self):
        self.assert_told("-f needs -s TARGET, or -H FILE; with a file it is `workers:`", "-f", "2")
        self.assert_told("-z needs -s TARGET, or -H FILE", "-z")
        self.assert_told("-u takes one argument; \"b.js\" is a second one", "-u", "a.js", "b.js")
        self.assert_told("-d takes no argument; \"now\" is one", "-d", "now")
        self.assert_told("-u: what follows it is empty", "-u", "")
        self.assert_told("unexpected argument \"b.js\"; what is meant for the target stands after --", "-s", "a",
                         "b.js")
        for option in ("start", "head", "config", "forks", "name", "control"):
            self.assert_told(f"--{option} is given twice", f"--{option}", "1", f"--{option}", "2")
        for option in ("upgrade", "kill", "die"):
            self.assert_told(f"--{option} is given twice", f"--{option}", f"--{option}")

    def test_targets_that_cannot_be_run(self):
        self.write("text", "words")
        self.write("server.py", PYTHON)
        self.write("HEAD", "words\nand more\n")
        self.write("EMPTY")
        self.write("GONE", "/no/such/target\n")
        self.assert_told("-s nothing: no such file", "-s", "nothing")
        self.assert_told("-s text: is not executable, and neither a #! line nor its ending says what runs it; known "
                         "are .js .mjs .cjs .py .rb .pl .php", "-s", "text", "-l", self.address)
        self.assert_told("-s .: is a directory; a file says what to run of it: target: and command: in "
                         "liveswap.yaml(5)", "-s", ".")
        self.assert_told("-H HEAD: is no HEAD file, which is one line: the path of a target", "-H", "HEAD")
        self.assert_told("-H HEAD: is no HEAD file, which is one line: the path of a target", "-H", "HEAD", "-s",
                         "server.py", "-l", self.address)
        self.assert_told("-H EMPTY: is empty; -s TARGET says what to run first", "-H", "EMPTY")
        self.assert_told("-H NONE: is not there yet; -s TARGET says what to run first", "-H", "NONE")
        self.assert_told("-H .: cannot be read, or is no regular file", "-H", ".", "-s", "server.py", "-l",
                         self.address)
        self.assert_told("-H GONE, which names /no/such/target: no such file", "-H", "GONE")

    def test_what_runs_a_script_must_be_there(self):
        self.write("server.php")
        status, _, err = self.run_liveswap("-s", "server.php", "-l", self.address, env={"PATH": "/nowhere"})
        self.assertEqual((status, err), (2, "liveswap: -s server.php: what runs it, \"php\" is in no directory of the "
                                            "app's PATH now\n"))


class Client(CommandLine):
    def run_copy(self):
        ended = subprocess.run([self.directory / "liveswap", "--control", "nobody.sock", "-u"], text=True, timeout=60,
                               env=self.environment(), cwd=self.directory, capture_output=True, check=False)
        return ended.returncode, ended.stderr

    def test_liveswapctl_is_found_beside_and_a_missing_one_is_told(self):
        for name in ("liveswap", "liveswapctl"):
            shutil.copy(build.program(name), self.directory / name)
        status, err = self.run_copy()
        self.assertEqual(status, 3)
        self.assertIn(f"liveswapctl: no master can be reached; tried: (no_master)\n  {self.directory}/nobody.sock", err)
        (self.directory / "liveswapctl").unlink()
        if pathlib.Path("/usr/local/bin/liveswapctl").exists():
            self.skipTest("liveswapctl is installed")
        status, err = self.run_copy()
        self.assertEqual(status, 1)
        self.assertIn(f"liveswapctl is not there; tried {self.directory}/../ctl/liveswapctl, "
                      f"{self.directory}/liveswapctl, ", err)
