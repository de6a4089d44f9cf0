"""The fixture server itself: if it lost requests, no supervisor could be judged by it."""

import os
import signal
import socket
import tempfile

from harness import HttpConnection, TestCase, build, http_get, processes
from harness.worker import listen_tcp, start_worker


class HttpWorker(TestCase):
    def start(self, ready=True, listeners=None, **environment):
        self.listener = listen_tcp()
        self.addCleanup(self.listener.close)
        self.address = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        return start_worker(self, build.program("http_worker"), listeners or [self.listener], ready, **environment)

    def test_it_says_its_version_pid_slot_and_generation(self):
        worker = self.start(VERSION="v7", LIVESWAP_SLOT="2", LIVESWAP_GENERATION="9")
        response = http_get(self.address)
        self.assertEqual(response.body, f"version=v7 pid={worker.pid} slot=2 generation=9\n")
        self.assertTrue(response.closing)

    def test_a_connection_serves_many_requests(self):
        self.start()
        with HttpConnection(self.address) as connection:
            for _ in range(100):
                self.assertFalse(connection.get().closing)

    def test_a_long_answer_arrives_whole(self):
        self.start()
        self.assertEqual(len(http_get(self.address, "/bytes?n=5000000").body), 5000000)

    def test_asked_to_drain_it_ends_when_nothing_is_open(self):
        worker = self.start()
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)

    def test_asked_to_drain_it_answers_the_next_request_and_says_close(self):
        worker = self.start()
        with HttpConnection(self.address) as connection:
            self.assertFalse(connection.get().closing)
            worker.signal(signal.SIGTERM)
            # It no longer has the listener once it drains.
            self.wait_until(lambda: len([1 for what in processes.descriptors(worker.pid).values()
                                         if what.startswith("socket:")]) == 1)
            self.assertTrue(connection.get().closing)
            self.assertEqual(worker.wait(), 0)

    def test_asked_to_drain_it_finishes_a_slow_answer(self):
        worker = self.start()
        with HttpConnection(self.address) as connection:
            connection.send("/slow?ms=300")
            with HttpConnection(self.address) as other:
                other.get()  # in order: the first connection has been accepted by now
            worker.signal(signal.SIGTERM)
            response = connection.receive()
            self.assertEqual((response.status, response.closing), (200, True))
            self.assertEqual(worker.wait(), 0)

    def test_asked_to_drain_it_closes_the_silent(self):
        worker = self.start(DRAIN_MS="100")
        with HttpConnection(self.address) as connection:
            connection.get()
            worker.signal(signal.SIGTERM)
            self.assertEqual(worker.wait(), 0)
            self.assertEqual(connection.sock.recv(1), b"")

    def test_asked_to_drain_it_leaves_the_queue_to_others(self):
        worker = self.start()
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)
        with HttpConnection(self.address) as connection:
            connection.send(headers=["Connection: close"])
            start_worker(self, build.program("http_worker"), [self.listener], VERSION="v2")
            self.assertTrue(connection.receive().body.startswith("version=v2 "))

    def test_it_serves_unix_and_datagram_sockets_too(self):
        with tempfile.TemporaryDirectory(dir=self.directory) as folder:
            unix, dgram = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with unix, dgram, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                unix.bind(folder + "/s")
                unix.listen()
                dgram.bind(("127.0.0.1", 0))
                self.start(listeners=[unix, dgram])
                self.assertEqual(http_get(f"unix:{folder}/s").status, 200)
                client.settimeout(5)
                client.sendto(b"hello", dgram.getsockname())
                self.assertTrue(client.recv(512).startswith(b"version=v1 "))

    def test_each_fault_is_what_it_says(self):
        ended = self.start(ready=False, FAULT="exit")
        self.assertEqual(ended.wait(), 3)
        ended.wait_line("ends at once, as FAULT says")
        self.assertEqual(self.start(FAULT="crash_after=1").wait(), -signal.SIGABRT)
        hanging = self.start(ready=False, FAULT="hang")
        hanging.signal(signal.SIGTERM)
        self.assertEqual(hanging.wait(), -signal.SIGTERM)

    def test_a_frozen_worker_stops_its_watchdog(self):
        frozen = self.start(FAULT="freeze_after=1", WATCHDOG_USEC="20000")
        self.wait_until(lambda: not self.is_answered())  # until then it may be quicker than its fault
        self.assertTrue(processes.alive(frozen.pid))

    def is_answered(self):
        with socket.socket() as client:
            client.connect(("127.0.0.1", self.listener.getsockname()[1]))
            client.settimeout(0.2)
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            try:
                return client.recv(1) != b""
            except TimeoutError:
                return False

    def test_an_orphan_of_it_outlives_it(self):
        worker = self.start(FAULT="orphan")
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(len(processes.left_over()), 1)
        self.assertEqual(os.getpid(), processes.descendants(os.getpid())[0].parent)

    def test_without_listeners_it_says_so(self):
        worker = self.run_process(build.program("http_worker"))
        self.assertEqual(worker.wait(), 1)
        worker.wait_line("no listeners: LISTEN_FDS and LISTEN_PID do not name any")
