"""What is connected with the workers: counted from outside, shown, closed where it is idle, told where it is cut."""

import json
import os
import pathlib
import re
import shutil
import socket
import unittest

from harness import Process, TestCase, build

NOBODY = 65534
WORKER = pathlib.Path(__file__).resolve().with_name("kept_worker.py")
CONFIG = """
listeners:
  http: tcp://127.0.0.1:0
  bus: "unix-seqpacket:@liveswap-connections-{number}"
apps:
  web:
    command: [/usr/bin/python3, {worker}]
    listeners: [http, bus]
    drain: {drain}
    stop: {{timeout: 5s}}
    env: {env}
log: {{level: debug}}
"""

STEERED = """
listeners:
  http: {{address: "{address}", handoff: steered}}
apps:
  web:
    command: [/usr/bin/python3, {worker}]
    drain: {{signal: none, timeout: 60s}}
"""


class ConnectionTest(TestCase):
    def config(self, drain, env):
        return CONFIG.format(number=f"{os.getpid()}-{self.directory.name}", worker=WORKER, drain=drain,
                             env=json.dumps(env))

    def client(self, web, listener="http", say="hello"):
        """A connection that has been served, and the pid of its worker."""
        address = web.address(listener)
        if address.startswith("tcp://"):
            host, _, port = address[len("tcp://"):].rpartition(":")
            client = socket.create_connection((host, int(port)), timeout=20)
        else:
            kind = socket.SOCK_SEQPACKET if address.startswith("unix-seqpacket:") else socket.SOCK_STREAM
            client = socket.socket(socket.AF_UNIX, kind)
            client.settimeout(20)
            client.connect(address.partition(":")[2].replace("@", "\0", 1))
        self.addCleanup(client.close)
        return client, self.ask(client, say)

    def ask(self, client, say="hello"):
        client.sendall(say.encode() + b"\n")
        return int(client.recv(100).decode().split()[1])

    def draining(self, web, count):
        """The only draining worker, once it has so many connections."""
        def look():
            workers = web.workers("draining")
            return workers and workers[0]["connections"] == count and workers[0]
        return self.wait_until(look, 20, f"{count} connections")

    def ready(self, web):
        """How many connections the only ready worker has, once it has been counted and has any."""
        return self.wait_until(lambda: web.workers("ready")[0]["connections"])


class Connections(ConnectionTest):
    def web(self, drain="{timeout: 60s}", **env):
        return self.liveswap(self.config(drain, env))

    def test_connections_of_a_draining_worker_are_counted_for_a_program_that_tells_nothing(self):
        web = self.web()
        first, pid = self.client(web)
        second, _ = self.client(web)
        packets, _ = self.client(web, "bus")
        self.wait_until(lambda: self.ready(web) == 3)
        web.ctl("upgrade", status=0)
        worker = self.draining(web, 3)
        self.assertEqual(worker["pid"], pid)
        self.assertIsNotNone(worker["oldest"])
        self.assertFalse(worker["oldest_exact"])
        self.assertIsNone(worker["connections_unknown"])
        self.assertRegex(web.ctl("status", status=0).out, r"draining: 3 connections, oldest >\d+s, cut at ")
        self.assertEqual(self.ask(first), pid)
        first.close()
        packets.close()
        self.draining(web, 1)
        self.assertRegex(web.ctl("status", status=0).out, r"draining: 1 connection, oldest ")
        second.close()
        self.wait_until(lambda: not web.workers("draining"))
        self.ended_well(web)

    def test_connections_says_who_they_are(self):
        web = self.web()
        self.assertEqual(web.ctl("connections", status=0).out, "no open connections\n")
        tcp, pid = self.client(web)
        packets, _ = self.client(web, "bus")
        rows = self.wait_until(lambda: (rows := json.loads(web.ctl("connections", "web", "--json", status=0).out))
                               and len(rows["connections"]) == 2 and rows)
        self.assertEqual((rows["left_out"], rows["unknown"]), (0, []))
        peer = "{}:{}".format(*tcp.getsockname())
        (row,) = [row for row in rows["connections"] if row["peer"] is not None]
        self.assertEqual([row[key] for key in ("app", "generation", "slot", "pid", "peer", "bytes_in", "state")],
                         ["web", 1, 0, pid, peer, len("hello\n"), "established"])
        (local,) = [row for row in rows["connections"] if row["peer"] is None]
        self.assertEqual((local["peer_pid"], local["bytes_in"], local["idle_ms"]), (os.getpid(), None, None))
        table = web.ctl("connections", status=0).out
        self.assertRegex(table, rf"(?m)^web/0 g1 +{pid} +{re.escape(peer)} +>?\d+s +\d+s +6 +\d+ +established$")
        self.assertRegex(table, rf"(?m)^web/0 g1 +{pid} +PID {os.getpid()} +>\d+s +- +- +- +established$")
        tcp.close()
        packets.close()
        self.ended_well(web)

    def test_idle_connections_of_a_draining_worker_are_closed_and_a_slow_answer_is_not_cut(self):
        web = self.web("{timeout: 60s, idle: 5s}")
        idle, pid = self.client(web)
        slow, _ = self.client(web)
        slow.sendall(b"slow\n")
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertEqual(idle.recv(100), b"")
        self.assertEqual(slow.recv(100), f"slow {pid}\n".encode())
        self.assertEqual(slow.recv(100), b"")
        web.process.wait_line(r"web/0 g1: closed \d idle connection", 20.0)
        self.ended_well(web)

    def test_without_idle_nothing_is_closed(self):
        web = self.web()
        idle, pid = self.client(web)
        web.ctl("upgrade", status=0)
        self.draining(web, 1)
        web.ctl("wait", "--for", "drained", "--timeout", "1s", status=5)
        self.assertEqual(self.ask(idle), pid)

    def test_a_steered_worker_that_nobody_asks_leaves_when_its_last_connection_is_closed(self):
        for address in ("tcp://127.0.0.1:0", f"unix:{self.directory}/http.sock"):
            with self.subTest(address):
                web = self.liveswap(STEERED.format(address=address, worker=WORKER))
                client, pid = self.client(web)
                web.ctl("upgrade", status=0)
                self.assertEqual(self.draining(web, 1)["pid"], pid)
                self.assertEqual(self.ask(client), pid)
                self.assertNotEqual(self.client(web)[1], pid)
                client.close()
                self.wait_until(lambda: not web.workers("draining") and len(web.workers()) == 1, 20)
                events = web.ctl("events", "--json", status=0).objects
                self.assertNotIn("worker_cut", [row.get("event") for row in events])

    def test_what_the_timeout_cuts_is_told_in_the_log_and_on_the_terminal(self):
        web = self.web("{timeout: 1s}", STUBBORN="1")
        for _ in range(3):
            self.client(web)
        shown = web.ctl("upgrade", "--wait", "drained", status=0).out
        self.assertRegex(shown, r"(?m)^web/0 g1: cut with 3 connections open, the oldest for more than \d+s$")
        web.process.wait_line(r"warning: web/0 g1: cut with 3 connections open, the oldest for more than \d", 20.0)
        events = [row for row in web.ctl("events", "--json", status=0).objects if row.get("event") == "worker_cut"]
        self.assertEqual([(event["count"], event["slot"], event["generation"]) for event in events], [(3, 0, 1)])

    def test_what_an_operator_cuts_is_told_too_and_a_drain_without_connections_cuts_nothing(self):
        web = self.web(STUBBORN="1")
        self.client(web)
        web.ctl("upgrade", status=0)
        self.assertIn("web/0 g1: cut with 1 connection open", web.ctl("drain", "--now", status=0).out)
        self.wait_until(lambda: len(web.workers()) == 1)
        web.ctl("upgrade", "--wait", "drained", status=0)
        events = [row for row in web.ctl("events", "--json", status=0).objects if row.get("event") == "worker_cut"]
        self.assertEqual(len(events), 1)

    def test_who_still_holds_a_listener_when_a_generation_has_gone_is_named(self):
        web = self.web(LEAVE="1")
        pid = web.process.wait_line(r"web/0 g1 \| (\d+)$", 20.0).group(1)
        web.configure(web.file.read_text().replace('"LEAVE": "1"', '"LEAVE_NOT": "1"'))
        web.ctl("upgrade", "--wait", "drained", status=0)
        web.process.wait_line(rf"warning: web: PID {pid} \(sleep\) belongs to no living worker and still holds the "
                              r"listener http$", 20.0)
        os.kill(int(pid), 9)
        web.ctl("upgrade", "--wait", "drained", status=0)
        web.process.wait_line(r"web: no process but living workers holds its listeners \(\d+ were looked into\)", 20.0)
        self.ended_well(web)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
class AsNobody(ConnectionTest):
    """A master that is an ordinary user."""

    def web(self, **env):
        web = self.liveswap(self.config("{timeout: 60s}", env), start=False)
        self.directory.chmod(0o755)
        for folder in (web.directory, web.runtime, web.state):
            os.chown(folder, NOBODY, NOBODY)
        variables = {key: value for key, value in web.env.items() if key != "NOTIFY_SOCKET"}
        web.process = Process(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                               build.program("liveswap"), "-c", str(web.file)], env=variables, cwd=web.directory)
        self.wait_until(lambda: web.ctl("is-ready", "-q").status == 0, 20)
        return web

    def test_its_own_workers_are_counted_and_what_it_cannot_see_is_told_once(self):
        web = self.web()
        self.client(web)
        self.assertEqual(self.ready(web), 1)
        for _ in range(2):
            web.ctl("upgrade", status=0)
            web.ctl("drain", "--now")
            web.ctl("wait", "--for", "drained", status=0)
        told = r"\d+ processes of others may not be looked into: whether one of them holds a listener"
        web.process.wait_line(told, 20.0)
        looks = r"web: no process but living workers holds its listeners"
        self.wait_until(lambda: len(re.findall(looks, web.process.tail(1000))) == 2, 20)
        self.assertEqual(len(re.findall(told, web.process.tail(1000))), 1)

    def test_a_worker_that_is_not_dumpable_is_unknown_and_the_reason_is_told_once(self):
        web = self.web(PRIVATE="1")
        _, pid = self.client(web)
        worker = self.wait_until(lambda: (it := web.workers("ready")[0])["connections_unknown"] and it)
        self.assertIsNone(worker["connections"])
        self.assertIsNone(worker["oldest"])
        self.assertRegex(worker["connections_unknown"], rf"^PID {pid} \(python3[^)]*\): open\(/proc/{pid}/fd\): "
                         "Permission denied; it is another user's or not dumpable")
        (unknown,) = json.loads(web.ctl("connections", "--json", status=0).out)["unknown"]
        self.assertEqual(unknown["why"], worker["connections_unknown"])
        web.ctl("upgrade", status=0)
        self.wait_until(lambda: "draining: 1 worker, connections unknown, cut at" in web.ctl("status", status=0).out)
        told = r"web/0 g1: its connections cannot be counted: PID \d+"
        web.process.wait_line(told, 20.0)
        self.assertEqual(len(re.findall(told, web.process.tail(1000))), 1)
