"""The load generator against servers that misbehave on purpose: each failure is seen, and counted in its own class.

Without this, "0 failed" could as well mean that nobody looked.
"""

import json
import signal
import socket
import struct
import threading

from harness import TestCase, build
from harness.worker import listen_tcp, start_worker

CLASSES = ("refused", "reset_before", "eof_before", "reused_reset", "reused_eof", "truncated", "timeout",
           "bad_status", "client")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nversion=x pid=7\n"


def reset(sock):
    """Closes so that the other side gets a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_request(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(4096)
        if not more:
            raise ConnectionError
        data += more


class Server:
    """Accepts connections in a thread of its own and does with each what a function says."""

    def __init__(self, behave):
        self.listener = listen_tcp()
        self.address = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.accepted = 0
        self._behave = behave
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                self._behave(sock)
            except OSError:
                pass
            finally:
                sock.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Hammer(TestCase):
    def hammer(self, address, *options, mode="close", connections=1, seconds=0.5):
        return self.run_process(build.program("hammer"), "--mode", mode, "--connections", str(connections),
                                "--seconds", str(seconds), *options, address)

    def result(self, process, timeout=20):
        self.assertEqual(process.wait(timeout), 0, process.tail())
        process.finish_output()
        return json.loads(process.out.text().splitlines()[-1])

    def against(self, behave, **options):
        server = Server(behave)
        self.addCleanup(server.close)
        return self.result(self.hammer(server.address, **options)), server

    def assert_only(self, result, failure):
        """There were failures, and all were of this class."""
        self.assertGreater(result["failures"][failure], 0, result)
        self.assertEqual({name: result["failures"][name] for name in CLASSES if name != failure},
                         {name: 0 for name in CLASSES if name != failure})
        self.assertEqual(result["failed"], result["failures"][failure])

    def test_a_closed_port_is_refused_a_hundred_times_a_second(self):
        with listen_tcp() as listener:
            address = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
        result = self.result(self.hammer(address, seconds=1))
        self.assert_only(result, "refused")
        self.assertEqual(result["successes"], 0)
        self.assertLessEqual(result["failed"], 101)
        self.assertGreater(result["failed"], 30)

    def test_a_reset_before_the_answer(self):
        def behave(sock):
            read_request(sock)
            reset(sock)
        self.assert_only(self.against(behave)[0], "reset_before")

    def test_a_reset_before_the_request_was_read(self):
        self.assert_only(self.against(reset)[0], "reset_before")

    def test_a_close_before_the_answer(self):
        self.assert_only(self.against(read_request)[0], "eof_before")

    def test_a_reset_of_a_reused_connection(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(OK)
            read_request(sock)
            reset(sock)
        result, _ = self.against(behave, mode="keep-alive")
        self.assert_only(result, "reused_reset")
        self.assertEqual(result["failures_by_worker"],
                         [{"class": "reused_reset", "last_pid": "7", "count": result["failed"]}])

    def test_a_close_of_a_reused_connection(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(OK)
            read_request(sock)
        self.assert_only(self.against(behave, mode="keep-alive")[0], "reused_eof")

    def test_an_answer_that_breaks_off_in_its_body(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(OK[:-3])
        self.assert_only(self.against(behave)[0], "truncated")

    def test_an_answer_that_breaks_off_in_its_head_by_a_reset(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(OK[:10])
            reset(sock)
        failures = self.against(behave)[0]["failures"]
        # A reset may overtake what was sent before it.
        self.assertGreater(failures["truncated"] + failures["reset_before"], 0)

    def test_no_answer_within_five_seconds(self):
        silent = threading.Event()
        self.addCleanup(silent.set)
        result, _ = self.against(lambda sock: silent.wait(), seconds=5.5)
        self.assert_only(result, "timeout")
        self.assertEqual(result["failed"], 1)

    def test_an_answer_other_than_200(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.assert_only(self.against(behave)[0], "bad_status")

    def test_an_answer_that_is_no_http(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(b"hello\r\n\r\n")
        self.assert_only(self.against(behave)[0], "bad_status")

    def test_more_than_the_answer(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(OK + b"?")
            sock.recv(1)
        self.assert_only(self.against(behave, mode="keep-alive")[0], "bad_status")

    def test_one_failure_among_many_answers_is_seen(self):
        failed = []

        def behave(sock):
            read_request(sock)
            if not failed and server.accepted == 50:
                failed.append(1)
                reset(sock)
            else:
                sock.sendall(OK)
        server = Server(behave)
        self.addCleanup(server.close)
        result = self.result(self.hammer(server.address, "--requests", "200", seconds=10))
        self.assert_only(result, "reset_before")
        self.assertEqual((result["failed"], result["successes"]), (1, 200))

    def test_a_close_that_was_announced_is_no_failure(self):
        def behave(sock):
            for _ in range(3):
                read_request(sock)
                sock.sendall(OK)
            read_request(sock)
            sock.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        result, server = self.against(behave, mode="keep-alive")
        self.assertEqual(result["failed"], 0, result)
        self.assertGreaterEqual(result["successes"], 4 * (server.accepted - 1))

    def test_a_close_or_reset_in_a_pause_loses_no_request(self):
        for end in (socket.socket.close, reset):
            def behave(sock, ending=end):
                read_request(sock)
                sock.sendall(OK)
                ending(sock)
            with self.subTest(end=end.__name__):
                server = Server(behave)
                self.addCleanup(server.close)
                result = self.result(self.hammer(server.address, "--pause", "2000", mode="keep-alive"))
                self.assertEqual(result["failed"], 0, result)
                self.assertGreater(result["successes"], 3)

    def test_a_close_of_a_reused_connection_after_a_pause_is_one(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(OK)
            read_request(sock)
        server = Server(behave)
        self.addCleanup(server.close)
        result = self.result(self.hammer(server.address, "--pause", "50", mode="keep-alive"))
        self.assert_only(result, "reused_eof")
        self.assertLess(result["successes"], 15)

    def test_a_request_that_a_close_crossed_is_made_again_where_that_is_asked_for(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(OK)
            read_request(sock)
        server = Server(behave)
        self.addCleanup(server.close)
        result = self.result(self.hammer(server.address, "--again", mode="keep-alive"))
        self.assertEqual(result["failed"], 0, result)
        self.assertGreater(result["repeated"], 0)
        self.assertLess(abs(result["successes"] - result["repeated"]), 3)

    def test_a_request_that_a_close_cut_later_is_a_failure_all_the_same(self):
        cut = threading.Event()

        def behave(sock):
            read_request(sock)
            sock.sendall(OK)
            read_request(sock)
            cut.wait(0.5)  # the server is at it
        server = Server(behave)
        self.addCleanup(server.close)
        result = self.result(self.hammer(server.address, "--again", mode="keep-alive", seconds=2))
        self.assert_only(result, "reused_eof")
        self.assertEqual(result["repeated"], 0)

    def test_an_answer_in_a_pause_is_one_that_nobody_asked_for(self):
        def behave(sock):
            read_request(sock)
            sock.sendall(OK)
            threading.Event().wait(0.05)  # what if not in a pause: the same class of failure
            sock.sendall(OK)
            sock.recv(1)
        server = Server(behave)
        self.addCleanup(server.close)
        self.assert_only(self.result(self.hammer(server.address, "--pause", "2000", mode="keep-alive")), "bad_status")

    def test_successes_are_counted_exactly_per_version_and_worker(self):
        for mode in ("close", "keep-alive"):
            with self.subTest(mode=mode), listen_tcp() as listener:
                workers = [start_worker(self, build.program("http_worker"), [listener], VERSION=f"v{i}")
                           for i in (1, 2)]
                address = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
                result = self.result(self.hammer(address, "--requests", "2000", mode=mode, connections=16,
                                                 seconds=20))
                self.assertEqual(result["failed"], 0)
                self.assertLess(result["ms"], 20000)
                self.assertTrue(2000 <= result["successes"] < 2016, result)
                self.assertEqual(sum(row["successes"] for row in result["workers"]), result["successes"])
                expected = {(f"v{i}", str(worker.pid)) for i, worker in zip((1, 2), workers)}
                self.assertLessEqual({(row["version"], row["pid"]) for row in result["workers"]}, expected)

    def test_it_ends_at_its_time_and_on_term_with_the_result(self):
        with listen_tcp() as listener:
            start_worker(self, build.program("http_worker"), [listener])
            address = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
            timed = self.result(self.hammer(address, seconds=0.3))
            self.assertTrue(300 <= timed["ms"] < 600, timed)
            process = self.hammer(address, "--live", "20", seconds=60)
            process.wait_line('"type":"live"', stream="out")
            process.signal(signal.SIGTERM)
            self.assertLess(self.result(process)["ms"], 30000)

    def test_live_lines_add_up_to_the_result(self):
        with listen_tcp() as listener:
            start_worker(self, build.program("http_worker"), [listener])
            process = self.hammer("tcp://127.0.0.1:%d" % listener.getsockname()[1], "--live", "50", seconds=0.52)
            result = self.result(process)
            live = [json.loads(line) for line in process.out.text().splitlines()[:-1]]
            self.assertGreaterEqual(len(live), 5)
            seen = sum(line["successes"] for line in live)
            self.assertTrue(result["successes"] * 0.7 < seen <= result["successes"], (seen, result))
            self.assertEqual([line["failures"] for line in live], [{}] * len(live))

    def test_a_gap_in_the_service_is_measured(self):
        with listen_tcp() as listener:
            worker = start_worker(self, build.program("http_worker"), [listener])
            process = self.hammer("tcp://127.0.0.1:%d" % listener.getsockname()[1], "--live", "20", seconds=1.5)
            process.wait_line('"type":"live"', stream="out")
            worker.signal(signal.SIGSTOP)
            process.wait_line('"successes":0,', stream="out")
            for _ in range(10):
                process.wait_line('"successes":0,', stream="out", skip=process.out.count())
            worker.signal(signal.SIGCONT)
            result = self.result(process)
            self.assertEqual(result["failed"], 0)
            self.assertTrue(200 <= result["longest_gap_ms"] < 1500, result)

    def test_a_unix_socket_with_a_short_queue_is_served_whole(self):
        path = str(self.directory / "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            start_worker(self, build.program("http_worker"), [listener])
            result = self.result(self.hammer(f"unix:{path}", connections=32))
            self.assertEqual(result["failed"], 0, result)
            self.assertGreater(result["successes"], 32)

    def test_wrong_usage_is_status_2(self):
        there = "tcp://127.0.0.1:1"
        for words in ([], ["http://x"], ["--mode", "odd", there], ["--seconds", "0", there]):
            with self.subTest(words=words):
                self.assertEqual(self.run_process(build.program("hammer"), *words).wait(), 2)
