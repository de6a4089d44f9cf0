"""Clients that wait in a queue are served: through a pause, a stop, a crash and a shutdown.

Method: the only worker is stopped by SIGSTOP, so that what its clients have sent stays in the queue for as long as a
test needs it there.
"""

import os
import selectors
import signal
import socket

from harness import TestCase, build, net, processes

CONFIG = """
listeners:
  http: tcp://127.0.0.1:{port}
  local: "unix:{directory}/http.sock"
  dns: udp://127.0.0.1:0
  shared: tcp://127.0.0.1:0
apps:
  web:
    command: [{worker}]
    listeners: [http, local, dns, shared]
    drain: {{timeout: 20s}}
    env: {{VERSION: v1}}
  other:
    command: [{worker}]
    listeners: [shared]
    env: {{VERSION: other}}
"""

CLIENTS = 20


class Waiting(TestCase):
    def setUp(self):
        super().setUp()
        self.port = net.free_port()
        self.web = self.liveswap(CONFIG.format(port=self.port, directory=self.directory,
                                               worker=build.program("http_worker")))
        self.http = f"tcp://127.0.0.1:{self.port}"
        self.local = f"unix:{self.directory}/http.sock"

    def row(self, name):
        return next(row for row in self.web.status()["listeners"] if row["name"] == name)

    def worker(self, app="web"):
        return self.web.workers("ready", app)[0]["pid"]

    def pause_or_skip(self, name):
        result = self.web.ctl("pause", name)
        if result.status != 0 and "CAP_NET_ADMIN" in result.err:
            self.skipTest("this kernel lets only CAP_NET_ADMIN pause TCP listeners")
        self.assertEqual(result.status, 0, result)

    def freeze(self):
        """Stops the worker of web; returns its pid."""
        worker = self.worker()
        os.kill(worker, signal.SIGSTOP)
        self.wait_until(lambda: processes.stat(worker).state == "T")
        return worker

    def queued(self, *addresses):
        """Clients whose requests wait in the queues, since the worker is frozen."""
        clients = [net.HttpConnection(address, timeout=30.0) for address in addresses for _ in range(CLIENTS)]
        for client in clients:
            client.send("/", ["Connection: close"])
        return clients

    def assert_served(self, clients):
        for client in clients:
            with client:
                self.assertIn("version=v1 ", client.receive().body)

    def ask_dns(self, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5.0)
            sock.connect(("127.0.0.1", port))
            sock.send(b"?")
            return sock.recv(4096).decode()


class Pausing(Waiting):
    def test_clients_of_a_paused_listener_wait_and_get_through_when_it_resumes(self):
        self.pause_or_skip("http")
        self.assertTrue(self.row("http")["paused"])
        waiting = socket.socket(socket.AF_INET)
        self.addCleanup(waiting.close)
        waiting.setblocking(False)
        waiting.connect_ex(("127.0.0.1", self.port))
        with self.assertRaises(TimeoutError):
            net.connect(self.http, timeout=0.3)
        self.assertIn("version=v1 ", net.http_get(self.local).body)  # the others are not paused
        self.web.ctl("resume", "http", status=0)
        self.assertFalse(self.row("http")["paused"])
        with selectors.DefaultSelector() as selector:
            selector.register(waiting, selectors.EVENT_WRITE)
            self.assertTrue(selector.select(20.0), "not connected")
        waiting.settimeout(20.0)
        waiting.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertIn(b"version=v1 ", waiting.recv(4096))

    def test_what_is_queued_when_a_listener_is_paused_is_served(self):
        worker = self.freeze()
        clients = self.queued(self.http)
        self.pause_or_skip("http")
        os.kill(worker, signal.SIGCONT)
        self.assert_served(clients)

    def test_a_paused_udp_listener_drops_and_counts(self):
        port = self.row("dns")["port"]
        self.assertIn("version=v1 ", self.ask_dns(port))
        self.web.ctl("pause", "dns", status=0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(3):
                sock.sendto(b"?", ("127.0.0.1", port))
        self.assertEqual(self.row("dns")["dropped"], 3)
        self.web.ctl("resume", "dns", status=0)
        self.assertIn("version=v1 ", self.ask_dns(port))

    def test_a_unix_socket_cannot_be_paused(self):
        result = self.web.ctl("pause", "local", status=1)
        self.assertIn("the clients of a Unix socket cannot be made to wait", result.err)

    def test_a_pause_lasts_over_an_upgrade(self):
        self.pause_or_skip("http")
        self.web.ctl("upgrade", "web", status=0)
        self.assertTrue(self.row("http")["paused"])
        with self.assertRaises(TimeoutError):
            net.connect(self.http, timeout=0.3)


class Stopping(Waiting):
    def stop_with(self, clients, worker):
        """Stops web while these wait; lets the worker go on once the stop is under way."""
        stop = self.web.ctl_process("stop", "web")
        self.web.wait_app(lambda app: app["state"] == "stopping", name="web")
        os.kill(worker, signal.SIGCONT)
        self.assert_served(clients)
        self.assertEqual(stop.wait(30.0), 0, stop.tail())
        stop.close()

    def test_a_stop_serves_what_is_queued_closes_what_only_it_lists_and_a_start_binds_it_again(self):
        dns = self.row("dns")["port"]
        worker = self.freeze()
        self.stop_with(self.queued(self.http, self.local), worker)

        self.assertEqual(self.web.app("web")["state"], "stopped")
        self.assertEqual({row["name"]: row["open"] for row in self.web.status()["listeners"]},
                         {"http": False, "local": False, "dns": False, "shared": True})
        with self.assertRaises(ConnectionRefusedError):
            net.connect(self.http)
        with self.assertRaises(FileNotFoundError):
            net.connect(self.local)
        with self.assertRaises(ConnectionRefusedError):
            self.ask_dns(dns)
        self.assertIn("version=other ", self.web.get("shared").body)

        self.web.ctl("start", "web", status=0)
        self.assertIn("version=v1 ", net.http_get(self.http).body)
        self.assertIn("version=v1 ", net.http_get(self.local).body)
        self.assertIn("version=v1 ", self.ask_dns(self.row("dns")["port"]))
        self.ended_well(self.web)

    def test_a_start_whose_port_was_taken_meanwhile_fails_and_says_by_whom(self):
        self.web.ctl("stop", "web", status=0)
        with socket.create_server(("127.0.0.1", self.port)):
            result = self.web.ctl("start", "web")
            self.assertIn(result.status, (1, 7), result)
            self.assertIn(f"listener http: bind(127.0.0.1:{self.port}): Address already in use: "
                          f"held by PID {os.getpid()}", result.out + result.err)
            self.assertFalse((self.directory / "http.sock").exists())
        self.web.ctl("start", "web", status=0)
        self.assertIn("version=v1 ", net.http_get(self.http).body)

    def test_many_stops_and_starts_leak_no_descriptor(self):
        self.web.ctl("stop", "web", status=0)
        self.web.ctl("start", "web", status=0)
        before = len(processes.descriptors(self.web.pid))
        for _ in range(5):
            self.web.ctl("stop", "web", status=0)
            self.web.ctl("start", "web", status=0)
        self.wait_until(lambda: len(processes.descriptors(self.web.pid)) <= before)

    def test_a_worker_that_is_killed_leaves_its_queue_to_the_next(self):
        worker = self.freeze()
        clients = self.queued(self.http, self.local)
        os.kill(worker, signal.SIGKILL)
        self.assert_served(clients)
        self.assertNotEqual(self.worker(), worker)

    def test_a_shutdown_serves_what_is_queued(self):
        worker = self.freeze()
        clients = self.queued(self.http, self.local)
        self.web.process.signal(signal.SIGTERM)
        self.web.wait_notified("STOPPING", "1")
        os.kill(worker, signal.SIGCONT)
        self.assert_served(clients)
        self.assertEqual(self.web.process.wait(30.0), 0, self.web.process.tail())
        self.assert_nothing_left()
        self.assertFalse((self.directory / "http.sock").exists())
