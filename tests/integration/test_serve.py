"""serve: haproxy, uwsgi and clients of multibinder fetch the master's listeners, each in its own way, unmodified."""

import array
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import unittest

from harness import LONG, TestCase, build, net, processes

GENERATIONS = 100 if LONG else 10
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
UWSGI = shutil.which("uwsgi", path="/usr/bin")
UWSGI_PYTHON = pathlib.Path("/usr/lib/uwsgi/plugins/python3_plugin.so")

CONFIG = """
serve:
  haproxy: {directory}/haproxy.sock
  uwsgi: {directory}/zerg.sock
  multibinder: {{socket: {directory}/multibinder.sock, allow_bind: "tcp://127.0.0.1:{port}"}}
listeners:
  http: tcp://127.0.0.1:0
  local: unix:{directory}/local.sock
apps:
  other: {{command: [sleep, infinity], listeners: [], ready: {{when: delay, delay: 10ms}}}}
"""

HAPROXY_CONFIG = """
global
  maxconn 200
  nbthread 1
defaults
  mode http
  timeout client 20s
  timeout connect 20s
  timeout server 20s
frontend web
  bind {http}
  bind {local}
  http-request return status 200 content-type text/plain lf-string "version={version} pid=%pid\\n"
"""

WSGI = """
import os


def application(env, start_response):
    body = f"version={os.environ['VERSION']} pid={os.getpid()}\\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


def sockets_of(pid):
    """The inodes of a process's sockets."""
    return {what for what in processes.descriptors(pid).values() if what.startswith("socket:")}


def inode(fd):
    return os.readlink(f"/proc/self/fd/{fd}")


class Serve(TestCase):
    timeout_s = 3600.0 if LONG else 240.0

    def setUp(self):
        super().setUp()
        self.port = net.free_port()
        self.web = self.liveswap(CONFIG.format(directory=self.directory, port=self.port))

    def hammer(self):
        return self.run_process(build.program("hammer"), "--mode", "close", "--connections", "16", "--seconds", "3000",
                                "--live", "20", self.web.address("http"), name="hammer")

    def nothing_failed(self, hammer):
        hammer.signal(signal.SIGTERM)
        self.assertEqual(hammer.wait(), 0, hammer.tail())
        hammer.finish_output()
        result = json.loads(hammer.out.text().splitlines()[-1])
        self.assertEqual(sum(result["failures"].values()), 0, result)
        self.assertGreater(result["successes"], 100)

    def assert_answered(self, address, version="v1"):
        """By whoever takes the socket: until somebody does, the client waits in its queue."""
        self.assertTrue(net.http_get(address, timeout=60.0).body.startswith(f"version={version} "))

    def wait_version(self, hammer, version):
        hammer.wait_line(f'"{version}":', 30.0, stream="out", skip=hammer.out.count())

    # ---- haproxy ----

    def haproxy(self, version, old=None):
        """The next generation: takes the sockets from the master, and asks the one before to finish."""
        file = self.write(f"{version}.cfg", HAPROXY_CONFIG.format(
            http=self.web.address("http").removeprefix("tcp://"), local=f"unix@{self.directory}/local.sock",
            version=version))
        finish = ["-sf", str(old.pid)] if old else []
        return self.run_process(HAPROXY, "-f", str(file), "-x", f"{self.directory}/haproxy.sock", *finish,
                                name=f"haproxy {version}")

    @unittest.skipUnless(HAPROXY, "haproxy is not installed")
    def test_haproxy_takes_the_very_sockets_that_its_bind_lines_name(self):
        haproxy = self.haproxy("v1")
        self.assert_answered(self.web.address("http"))
        self.assert_answered(f"unix:{self.directory}/local.sock")
        self.assertGreaterEqual(len(sockets_of(haproxy.pid) & sockets_of(self.web.pid)), 2)
        self.web.process.wait_line(rf"serve.haproxy: gave 2 sockets to PID {haproxy.pid}, uid", 20.0)
        haproxy.signal(signal.SIGUSR1)
        self.assertEqual(haproxy.wait(), 0)
        self.ended_well(self.web)

    @unittest.skipUnless(HAPROXY, "haproxy is not installed")
    def test_haproxy_after_haproxy_under_load_loses_nothing(self):
        haproxy = self.haproxy("v1")
        hammer = self.hammer()
        self.wait_version(hammer, "v1")
        for number in range(2, GENERATIONS + 2):
            old, haproxy = haproxy, self.haproxy(f"v{number}", haproxy)
            self.wait_version(hammer, f"v{number}")
            self.assertEqual(old.wait(30.0), 0, old.tail())
        self.nothing_failed(hammer)

    @unittest.skipUnless(HAPROXY, "haproxy is not installed")
    def test_haproxy_keeps_its_sockets_when_the_master_ends(self):
        haproxy = self.haproxy("v1")
        address = self.web.address("http")
        self.assert_answered(address)
        self.assertEqual(self.web.stop(60.0), 0)
        self.assert_answered(address)
        self.assert_answered(f"unix:{self.directory}/local.sock")
        self.assertFalse((self.directory / "haproxy.sock").exists())
        haproxy.signal(signal.SIGUSR1)
        self.assertEqual(haproxy.wait(), 0)

    # ---- uwsgi ----

    def uwsgi(self, version):
        self.write("app.py", WSGI)
        return self.run_process(UWSGI, "--plugins", "python3", "--master", "--die-on-term", "--protocol", "http",
                                "--zerg", f"{self.directory}/zerg.sock", "--wsgi-file", f"{self.directory}/app.py",
                                env=self.environment(VERSION=version), name=f"uwsgi {version}")

    @unittest.skipUnless(UWSGI and UWSGI_PYTHON.exists(), "uwsgi or its python3 plugin is not installed")
    def test_uwsgi_attaches_all_sockets_as_a_zerg(self):
        uwsgi = self.uwsgi("v1")
        self.assert_answered(self.web.address("http"))
        self.assert_answered(f"unix:{self.directory}/local.sock")
        self.assertGreaterEqual(len(sockets_of(uwsgi.pid) & sockets_of(self.web.pid)), 2)
        self.web.process.wait_line("serve.uwsgi: gave 2 sockets to PID", 20.0)
        uwsgi.signal(signal.SIGINT)
        uwsgi.wait()
        self.ended_well(self.web)

    @unittest.skipUnless(UWSGI and UWSGI_PYTHON.exists(), "uwsgi or its python3 plugin is not installed")
    def test_more_sockets_than_uwsgi_makes_room_for_at_first(self):
        many = "".join(f"    - tcp://127.0.0.{number}:0\n" for number in range(1, 12))
        web = self.liveswap(f"serve: {{uwsgi: {self.directory}/many.sock}}\nlisteners:\n  many:\n{many}"
                            "apps:\n  other: {command: [sleep, infinity], listeners: [], ready: {when: delay}}\n",
                            name="many")
        self.write("app.py", WSGI)
        self.run_process(UWSGI, "--plugins", "python3", "--master", "--protocol", "http", "--zerg",
                         f"{self.directory}/many.sock", "--wsgi-file", f"{self.directory}/app.py",
                         env=self.environment(VERSION="v1"), name="uwsgi")
        self.assert_answered(web.addresses("many")[10])

    # ---- multibinder ----

    def bind(self, **params):
        """As multibinder's Ruby client does it: a connection, a request, a reply, a descriptor or none."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(f"{self.directory}/multibinder.sock")
            client.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "bind", "params": [params]}).encode())
            data, fds, _, _ = socket.recv_fds(client, 4096, 4)
            for fd in fds:
                self.addCleanup(os.close, fd)
            return json.loads(data), fds

    def test_multibinder_gives_a_listener_of_the_file(self):
        host, port = self.web.address("http").removeprefix("tcp://").split(":")
        reply, fds = self.bind(address=host, port=int(port), backlog=1000)
        self.assertEqual(reply, {"jsonrpc": "2.0", "id": 1, "result": True})
        self.assertEqual(len(fds), 1)
        self.assertIn(inode(fds[0]), sockets_of(self.web.pid))
        with net.connect(self.web.address("http")) as client:
            self.accept(fds[0]).close()
            client.settimeout(20)
            self.assertEqual(client.recv(1), b"")

    def accept(self, fd):
        listener = socket.socket(fileno=os.dup(fd))
        with listener:
            listener.settimeout(20)
            return listener.accept()[0]

    def test_multibinder_opens_what_is_allowed_once_and_keeps_it(self):
        first, first_fds = self.bind(address="127.0.0.1", port=self.port)
        second, second_fds = self.bind(address="127.0.0.1", port=self.port)
        self.assertEqual((first, second), ({"jsonrpc": "2.0", "id": 1, "result": True},) * 2)
        self.assertEqual(inode(first_fds[0]), inode(second_fds[0]))
        rows = {row["name"]: row["address"] for row in self.web.status()["listeners"]}
        self.assertEqual(rows[f"multibinder-{self.port}"], f"127.0.0.1:{self.port}")
        with net.connect(f"tcp://127.0.0.1:{self.port}"):
            self.accept(second_fds[0]).close()

    def test_multibinder_refuses_other_addresses(self):
        reply, fds = self.bind(address="127.0.0.1", port=net.free_port())
        self.assertEqual((reply["error"]["code"], fds), (10000, []))
        self.assertIn("allow_bind", reply["error"]["message"])

    # ---- what harms nobody ----

    def test_clients_that_hang_lie_or_die_leave_the_master_serving(self):
        hanging = []
        for name in ("haproxy", "zerg", "multibinder") * 20:
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.setblocking(False)
            client.connect(f"{self.directory}/{name}.sock")
            hanging.append(client)
        for client in hanging[::2]:
            try:
                client.send(os.urandom(4096))
            except (BrokenPipeError, ConnectionResetError):
                pass
            client.close()
        self.web.ctl("ping", status=0)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(f"{self.directory}/haproxy.sock")
            client.sendall(b"_getsocks\n")
            self.assertEqual(client.recv(4, socket.MSG_WAITALL), struct.pack("i", 2))
            _, ancillary, _, _ = client.recvmsg(4096, socket.CMSG_SPACE(8))
            fds = array.array("i", ancillary[0][2])
            for fd in fds:
                os.close(fd)
            self.assertEqual(len(fds), 2)
        self.ended_well(self.web)

    def test_a_changed_serve_is_refused_by_upgrade(self):
        self.web.configure(self.web.file.read_text().replace("zerg.sock", "other.sock"))
        refused = self.web.ctl("upgrade", "other", status=2)
        self.assertIn("has other settings than what runs: serve", refused.err + refused.out)

    def test_a_path_that_is_in_use_fails_the_start(self):
        config = CONFIG.format(directory=self.directory, port=self.port).replace("local.sock", "other.sock")
        second = self.liveswap(config, start=False, name="second")
        second.launch()
        self.assertEqual(second.process.wait(20.0), 1)
        self.assertRegex(second.said(), r"serve.haproxy: \S+/haproxy.sock is in use by PID \d+ \(liveswap-guard\)")
