"""Programs that bind their own ports and speak something else than HTTP, upgraded under load: redis, and a UDP echo.

As in test_unmodified.py, each old generation is killed as soon as it is called drained. The clients count all that is
not answered as it should be.
"""

import collections
import os
import select
import shutil
import socket
import threading
import time
import unittest

from harness import LONG, SCALE, net
from harness.load import LoadCase

PATH = "/usr/sbin:/usr/bin:/bin:" + os.environ.get("PATH", "")  # Debian's come first
UPGRADES = 10 if LONG else 3

CONFIG = """
apps:
  web:
    command: {command}
    protocol: bind
    cwd: {directory}
    ready: {{timeout: 30s}}
    drain: {{signal: none, timeout: infinity, idle: 1s}}
    stop: {{signal: KILL}}
"""

ECHO = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    data, peer = sock.recvfrom(2048)
    sock.sendto(sys.argv[2].encode() + b" " + data, peer)
"""


CROSSING_S = 0.3


class Crossed(Exception):
    """The end of a kept connection met a question on its way: clients ask again on a new one."""


class Clients:
    """Threads that do the same again and again until they are stopped, and what came of it."""

    def __init__(self):
        self.answered = collections.Counter()  # by load
        self.failed = []
        self.again = collections.Counter()
        self.versions = set()
        self.longest = collections.Counter()  # ms from one answer to the next, by load
        self._last = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = []

    def start(self, load, number, make):
        """make() is a client whose once() does one round: it returns how many requests were answered, or raises."""
        self._last[load] = time.monotonic()
        for _ in range(number):
            self._threads.append(threading.Thread(target=self._run, args=(load, make()), daemon=True))
            self._threads[-1].start()

    def _run(self, load, client):
        while not self._stop.is_set():
            try:
                self._count(load, client.once(self))
            except Crossed:
                with self._lock:
                    self.again[load] += 1
                client.close()
            except (OSError, AssertionError) as error:
                self.failed.append((load, repr(error)))
                client.close()

    def _count(self, load, answered):
        with self._lock:
            now = time.monotonic()
            self.longest[load] = max(self.longest[load], round((now - self._last[load]) * 1000))
            self._last[load] = now
            self.answered[load] += answered

    def pause(self, seconds):
        self._stop.wait(seconds)

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Redis:
    """One client of redis: on new connections, or on one that is kept while there are pauses."""

    def __init__(self, port, kept=None, slow=False):
        self._port, self._kept, self._slow = port, kept, slow
        self._sock = self._file = None
        self._number = 0

    def close(self):
        if self._sock is not None:
            self._file.close()
            self._sock.close()
        self._sock = None

    def ask(self, *words):
        words = [str(word).encode() for word in words]
        asked = time.monotonic()
        try:
            self._sock.sendall(b"*%d\r\n" % len(words) +
                               b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            answer = self._answer()
        except ConnectionError as error:
            # One that comes later has cut a command that the server was at.
            if self._kept is not None and self._number > 0 and time.monotonic() - asked < CROSSING_S:
                raise Crossed from error
            raise
        return answer

    def _answer(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"the answer broke off: {line!r}")
        kind, rest = line[:1], line[1:-2]
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))] if int(rest) >= 0 else None
        if kind == b"$":
            return self._file.read(int(rest) + 2)[:-2]
        return int(rest) if kind == b":" else rest

    def _connect(self):
        """A new connection, unless there is one that the server has not closed in the pause."""
        if self._sock is not None and select.select([self._sock], [], [], 0)[0]:
            if self._sock.recv(1) != b"":
                raise ConnectionError("an answer that nobody asked for")
            self.close()
        if self._sock is None:
            self._sock = socket.create_connection(("127.0.0.1", self._port), 10.0 * SCALE)
            self._file = self._sock.makefile("rb")
            self._number = 0  # another process may be reached, and two have no data in common
            self._key = f"key-{self._sock.getsockname()[1]}-{time.monotonic_ns()}"

    def once(self, clients):
        self._connect()
        if self._slow:
            assert self.ask("BLPOP", "nothing-is-ever-here", "0.7") is None
        self._number += 1
        number = self.ask("INCR", self._key)
        assert number == self._number, f"{number} instead of {self._number}"
        assert self.ask("SET", self._key + "-text", "x" * 2000) == b"OK"
        assert self.ask("GET", self._key + "-text") == b"x" * 2000
        clients.versions.add(int(self.ask("CONFIG", "GET", "maxclients")[1]) - 1000)
        if self._kept is None:
            self.close()
        else:
            clients.pause(self._kept)
        return 4 + self._slow


class Echo:
    """One client of the UDP echo, on a socket that it keeps or on a new one for each datagram."""

    def __init__(self, port, kept):
        self._port, self._kept = port, kept
        self._sock = None
        self._number = 0

    def close(self):
        if self._sock is not None:
            self._sock.close()
        self._sock = None

    def once(self, clients):
        if self._sock is None:
            self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sock.settimeout(3.0 * SCALE)
            self._sock.connect(("127.0.0.1", self._port))
        self._number += 1
        self._sock.send(b"%d" % self._number)
        version, number = self._sock.recv(2048).split()
        assert int(number) == self._number, f"{number} instead of {self._number}"
        clients.versions.add(int(version))
        if not self._kept:
            self.close()
        return 1


def free_fixed_port():
    """A datagram port below those that the kernel gives to clients, which are a program's own affair."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first = int(file.read().split()[0])
    for port in range(first - 1, 1024, -1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no datagram port is free")


class UnmodifiedProtocols(LoadCase):
    def upgraded(self, command, loads):
        """command(N): that of version N. loads: how many clients, and what makes one, by name."""
        clients = Clients()
        def config(version):
            return CONFIG.format(command=command(version), directory=self.directory)
        web = self.liveswap(config(1), timeout=60.0, env={"PATH": PATH})
        try:
            for name, (number, client) in loads.items():
                clients.start(name, number, client)
            for version in range(1, UPGRADES + 2):
                if version > 1:
                    web.configure(config(version))
                    web.ctl("upgrade", status=0)
                self.wait_until(lambda wanted=version: wanted in clients.versions, 30.0)
            web.wait_app(lambda app: len(app["workers"]) == 1, 60.0 * SCALE)
        finally:
            clients.end()
        for load, answered in clients.answered.items():
            failed = len([1 for name, _ in clients.failed if name == load])
            print(f"# {load}: {answered} requests, {failed} failed, "
                  f"{clients.again[load]} made again, longest gap {clients.longest[load]} ms", flush=True)
            self.assertLessEqual(clients.again[load], 2 + UPGRADES * 4 / 2)
            self.assertGreater(answered, UPGRADES)
        self.assertEqual(clients.failed, [])
        self.assertEqual([row["handoff"] for row in web.status()["listeners"]], ["steered"])
        self.ended_well(web)

    @unittest.skipUnless(shutil.which("redis-server", path=PATH), "redis-server is not installed")
    def test_redis(self):
        port = net.free_port()
        # Pauses are longer than drain.idle: what is answered within a tick of the kernel's clock is not known to be
        # idle before it has been silent for that long.
        self.upgraded(lambda version: ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "",
                                       "--maxclients", str(1000 + version)], {
            "new": (4, lambda: Redis(port)),
            "new, 0.7 s": (4, lambda: Redis(port, slow=True)),
            "kept": (4, lambda: Redis(port, kept=1.5)),
            "kept, 0.7 s": (4, lambda: Redis(port, kept=1.3, slow=True)),
        })

    def test_a_udp_echo_server(self):
        self.write("echo.py", ECHO)
        port = free_fixed_port()
        self.upgraded(lambda version: ["python3", "echo.py", str(port), str(version)], {
            "new": (4, lambda: Echo(port, kept=False)),
            "kept": (4, lambda: Echo(port, kept=True)),
        })
