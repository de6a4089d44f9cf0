"""The example programs as workers, with the test as their master: it speaks the channel from what the manual says."""

import array
import os
import signal
import socket
import struct
import sys

from harness import HttpConnection, TestCase, build, http_get, processes
from harness.processes import wait_readable
from harness.worker import listen_tcp, start_worker

HELLO, READY, STATUS, STOPPING, CONNECTIONS, WATCHDOG = 16, 17, 18, 19, 20, 21
DRAIN, LISTENERS = 48, 49

_LAUNCH = """
import os, sys
count = int(sys.argv[1])
for i in range(count):
    os.dup2(100 + i, 3 + i)
    os.close(100 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count - 1), LIVESWAP_CHANNEL=str(3 + count - 1))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Channel:
    """The master's end: header <u8 major, u8 minor, u16 type, u16 descriptors, u16 length>, fields end in NUL."""

    def __init__(self):
        self.own, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def send(self, number, *fields, sockets=()):
        payload = b"".join(field.encode() + b"\0" for field in fields)
        header = struct.pack("<BBHHH", 1, 0, number, len(sockets), len(payload))
        rights = array.array("i", [sock.fileno() for sock in sockets])
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if sockets else []
        self.own.sendmsg([header + payload], control)

    def receive(self, timeout=10.0):
        """(number, fields), or None at the end."""
        if not wait_readable([self.own.fileno()], timeout):
            raise AssertionError(f"the worker said nothing within {timeout:g} s")
        packet = self.own.recv(70000)
        if not packet:
            return None
        major, _, number, descriptors, length = struct.unpack_from("<BBHHH", packet)
        assert (major, descriptors, length) == (1, 0, len(packet) - 8), packet
        return number, packet[8:].decode().split("\0")[:-1]

    def until(self, number):
        """The fields of the next message of that number; others are passed over."""
        while (message := self.receive()) is not None:
            if message[0] == number:
                return message[1]
        raise AssertionError(f"the channel was closed before message {number} came")

    def close(self):
        self.own.close()
        self.theirs.close()


class NativeWorker(TestCase):
    program = "native_server"
    names = "http"

    def start(self, **environment):
        self.listener = listen_tcp()
        self.addCleanup(self.listener.close)
        self.address = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.channel = Channel()
        self.addCleanup(self.channel.close)
        numbers = [os.dup2(self.listener.fileno(), 100), os.dup2(self.channel.theirs.fileno(), 101)]
        try:
            worker = self.run_process(sys.executable, "-c", _LAUNCH, "2", build.program(self.program),
                                      env=self.environment(LISTEN_FDNAMES=self.names, **environment), pass_fds=numbers,
                                      name=self.program)
        finally:
            for number in numbers:
                os.close(number)
        self.channel.theirs.close()
        hello = self.channel.until(HELLO)
        self.assertEqual(hello[1], str(worker.pid))
        self.assertEqual(self.channel.receive(), (READY, []))
        return worker

    def sockets_of(self, worker):
        return sum(what.startswith("socket:") for what in processes.descriptors(worker.pid).values())


class NativeServer(NativeWorker):
    def test_it_serves_and_tells_how_many_connections_it_has(self):
        self.start()
        with HttpConnection(self.address) as connection:
            for _ in range(100):
                response = connection.get()
                self.assertEqual((response.body, response.closing), ("hello\n", False))
            self.assertEqual(self.channel.until(CONNECTIONS), ["1"])
        self.assertEqual(self.channel.until(CONNECTIONS), ["0"])

    def test_asked_to_drain_it_answers_the_next_request_says_close_and_ends(self):
        worker = self.start()
        with HttpConnection(self.address) as connection:
            self.assertFalse(connection.get().closing)
            self.channel.send(DRAIN, "60000")
            self.assertEqual(self.channel.until(STATUS), ["draining, with a deadline"])
            self.wait_until(lambda: self.sockets_of(worker) == 2)  # the channel and the client
            self.assertTrue(connection.get().closing)
        self.channel.until(STOPPING)
        self.assertIsNone(self.channel.receive())
        self.assertEqual(worker.wait(), 0)

    def test_asked_to_drain_it_leaves_what_is_queued_to_others(self):
        worker = self.start()
        self.channel.send(DRAIN, "infinity")
        self.assertEqual(worker.wait(), 0)
        with HttpConnection(self.address) as waiting:
            waiting.send()
            client, _ = self.listener.accept()  # the shared queue is still there
            client.close()

    def test_a_late_listener_is_served(self):
        self.start()
        with listen_tcp() as late:
            self.channel.send(LISTENERS, "late", sockets=[late])
            self.assertEqual(http_get("tcp://127.0.0.1:%d" % late.getsockname()[1]).body, "hello\n")

    def test_it_goes_on_when_the_master_dies(self):
        worker = self.start()
        self.channel.own.close()
        for _ in range(20):
            self.assertEqual(http_get(self.address).body, "hello\n")
        self.wait_until(lambda: self.sockets_of(worker) == 1)  # the listener
        self.assertEqual(http_get(self.address).body, "hello\n")

    def test_idle_it_pings_the_watchdog(self):
        self.start(WATCHDOG_USEC="200000")
        for _ in range(3):
            self.assertEqual(self.channel.receive(), (WATCHDOG, []))

    def test_the_same_program_is_a_worker_under_systemd_s_protocol(self):
        with listen_tcp() as listener:
            worker = start_worker(self, build.program(self.program), [listener])
            address = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
            with HttpConnection(address) as connection:
                self.assertFalse(connection.get().closing)
                worker.signal(signal.SIGTERM)
                self.wait_until(lambda: connection.get().closing)
            self.assertEqual(worker.wait(), 0)


class NativeServerInCpp(NativeWorker):
    program = "native_server_cpp"
    names = "time"

    def test_it_tells_the_time_and_leaves_when_asked(self):
        worker = self.start()
        for _ in range(3):
            with socket.create_connection(self.listener.getsockname(), 5) as client:
                self.assertRegex(client.makefile().read(), r"\A[0-9]+\n\Z")
        self.channel.send(DRAIN, "1000")
        self.assertEqual(worker.wait(), 0)
