"""Listeners as programs meet them: every kind of socket through upgrades, and the ports that the kernel chose."""

import os
import pathlib
import socket
import threading

from harness import TestCase, build, net, processes

KINDS_WORKER = pathlib.Path(__file__).with_name("kinds_worker.py")

KINDS = """
listeners:
  all:
    address: [tcp://127.0.0.1:0, udp://127.0.0.1:0, "unix:{directory}/stream", "unix-dgram:{directory}/dgram",
              "unix-seqpacket:{directory}/seqpacket", "unix:@{name}", "unix-dgram:@{name}", "unix-seqpacket:@{name}"]
    nonblock: true
  v6: {{address: [{v6}], nonblock: true}}
apps:
  web:
    command: [/usr/bin/python3, {worker}]
    workers: 2
    listeners: [all, v6]
    env: {{VERSION: {version}}}
"""


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


class Asker(threading.Thread):
    """Asks one socket over and over, one message after the other, until stop(); counts the answers by version."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.asked = 0
        self.answers = {}
        self.failure = None
        self._changed = threading.Condition()
        self._stopping = False
        self.start()

    def run(self):
        try:
            while not self._stopping:
                self._ask()
        except (OSError, AssertionError) as failure:
            with self._changed:
                self.failure = f"{self.address}: message {self.asked}: {failure!r}"
                self._changed.notify_all()

    def _ask(self):
        self.asked += 1
        words = f"message {self.asked}".encode()
        with net.connect(self.address, timeout=20.0) as sock:
            if sock.family == socket.AF_UNIX and sock.type == socket.SOCK_DGRAM:
                sock.bind("")  # a name of the kernel's choice, for the answer to come to
            sock.sendall(words)
            version, _, echo = sock.recv(4096).partition(b" ")
        assert echo == words, (version, echo)
        with self._changed:
            self.answers[version.decode()] = self.answers.get(version.decode(), 0) + 1
            self._changed.notify_all()

    def wait_version(self, version, timeout=30.0):
        with self._changed:
            asked = self._changed.wait_for(lambda: self.failure or version in self.answers, timeout)
        if self.failure or not asked:
            raise AssertionError(self.failure or f"{self.address}: no answer by {version}: {self.answers}")

    def stop(self):
        self._stopping = True
        self.join(30.0)


class Kinds(TestCase):
    def config(self, version):
        return KINDS.format(directory=self.directory, name=f"liveswap-test-{os.getpid()}", worker=KINDS_WORKER,
                            v6='"tcp://[::1]:0", "udp://[::1]:0"' if has_ipv6() else "tcp://127.0.0.1:0",
                            version=version)

    def test_every_message_on_every_kind_of_socket_is_answered_through_upgrades(self):
        web = self.liveswap(self.config("v1"))
        askers = [Asker(address) for name in ("all", "v6") for address in web.addresses(name)]
        self.assertEqual(len(askers), 10 if has_ipv6() else 9)
        for asker in askers:
            asker.wait_version("v1")
        for upgrade in range(2, 7):
            web.configure(self.config(f"v{upgrade}"))
            web.ctl("upgrade", status=0)
            for asker in askers:
                asker.wait_version(f"v{upgrade}")
        for asker in askers:
            asker.stop()
            self.assertIsNone(asker.failure)
            self.assertEqual(sum(asker.answers.values()), asker.asked, asker.address)
        self.ended_well(web)
        self.assertEqual(sorted(path.name for path in self.directory.glob("*") if path.is_socket()), [])


PORTS = """
listeners:
  http: {{address: [tcp://127.0.0.1:0, tcp://127.0.0.2:0]}}
  other: tcp://127.0.0.1:0
apps:
  web:
    command: [{worker}, --port, "${{port:http}}", "${{addr:http:1}}", "${{fd:other}}", "$$HOME", "a ${{port:other}} b"]
    listeners: [http, other]
    env: {{PORT: "${{port:http}}", OTHER: "other=${{addr:other}}", VERSION: v1}}
"""


class Ports(TestCase):
    def test_a_port_of_the_kernels_choice_is_in_status_command_and_environment(self):
        web = self.liveswap(PORTS.format(worker=build.program("http_worker")))
        rows = {(row["name"], row["index"]): row for row in web.status()["listeners"]}
        port, other = rows["http", 0]["port"], rows["other", 0]["port"]
        self.assertNotIn(0, (port, other))
        self.assertEqual(rows["http", 0]["address"], f"127.0.0.1:{port}")
        self.assertEqual(rows["http", 1]["address"], f"127.0.0.2:{port}")
        self.assertIn("version=v1", net.http_get(f"tcp://127.0.0.2:{port}").body)

        pid = web.workers("ready")[0]["pid"]
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode().split("\0")[1:-1]
        self.assertEqual(words, ["--port", str(port), "127.0.0.2", "5", "$HOME", f"a {other} b"])
        found = processes.environment(pid)
        self.assertEqual((found["PORT"], found["OTHER"]), (str(port), "other=127.0.0.1"))

    def test_the_port_stays_the_same_through_upgrades_and_restarts(self):
        web = self.liveswap(PORTS.format(worker=build.program("http_worker")))
        before = [row["address"] for row in web.status()["listeners"]]
        web.ctl("upgrade", status=0)
        web.ctl("restart", status=0)
        self.assertEqual([row["address"] for row in web.status()["listeners"]], before)


# Calls listen() with what SIGUSR1 and SIGUSR2 say, long after it is ready; after SIGUSR2 it dies.
LATE = """
import os, signal, socket
signals = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
http = socket.socket(fileno=3)
address = os.environ["NOTIFY_SOCKET"]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"READY=1", "\\0" + address[1:] if address[0] == "@" else address)
while (got := signal.sigwait(signals)) != signal.SIGTERM:
    http.listen(5 if got == signal.SIGUSR1 else 4)
    print("listened", flush=True)
    if got == signal.SIGUSR2:
        os._exit(1)
"""


class Options(TestCase):
    def test_a_backlog_made_small_after_ready_is_put_back_at_a_look_and_when_its_worker_dies(self):
        worker = self.write("late.py", LATE)
        web = self.liveswap(f"""
listeners:
  http: {{address: tcp://127.0.0.1:0, backlog: 100}}
apps:
  web: {{command: [/usr/bin/python3, {worker}]}}
""")
        web.ctl("signal", "web", "USR1", status=0)
        web.process.wait_line("listened", stream="out")
        self.assertEqual(web.status()["listeners"][0]["backlog"], 100)
        web.process.wait_line(r"listener http: 127\.0\.0\.1:\d+: a worker had set its backlog to 5: put back to 100")
        web.ctl("signal", "web", "USR2", status=0)
        web.process.wait_line(r"listener http: 127\.0\.0\.1:\d+: a worker had set its backlog to 4: put back to 100")

    def test_a_workers_small_backlog_is_put_back_and_told(self):
        web = self.liveswap(f"""
listeners:
  http: {{address: tcp://127.0.0.1:0, backlog: 100}}
apps:
  web:
    command: [{build.program("http_worker")}]
    env: {{FAULT: listen=3}}
""")
        web.process.wait_line(r"listener http: 127\.0\.0\.1:\d+: a worker had set its backlog to 3: put back to 100")
        self.assertEqual(web.status()["listeners"][0]["backlog"], 100)
        web.ctl("upgrade", status=0)
        self.assertEqual(web.status()["listeners"][0]["backlog"], 100)

    def test_the_file_of_a_unix_socket_has_its_mode_and_goes_with_the_master(self):
        web = self.liveswap(f"""
listeners:
  http: {{address: "unix:{self.directory}/http.sock", mode: 0600}}
apps:
  web: {{command: [{build.program("http_worker")}]}}
""")
        path = self.directory / "http.sock"
        self.assertEqual(path.stat().st_mode & 0o7777, 0o600)
        self.ended_well(web)
        self.assertFalse(path.exists())
