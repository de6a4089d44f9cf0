"""A service of four workers under a master, and the load that is put on it: what the load tests and the demo share."""

import json

from harness import LONG, TestCase, build, processes

CLASSES = ("refused", "reset_before", "eof_before", "reused_reset", "reused_eof", "truncated", "timeout", "bad_status",
           "client")
WORKERS = 4
CONNECTIONS = 64
UPGRADES = 200 if LONG else 20
KILLS = 200 if LONG else 20

CONFIG = """
listeners:
  http: tcp://127.0.0.1:0
  local: unix:{directory}/http.sock
apps:
  web:
    command: [{worker}]
    workers: 4
    listeners: [http, local]
    ready: {{timeout: {ready_timeout}}}
    drain: {{timeout: 20s}}
    stop: {{timeout: 1s}}
    restart: {{delay: 10ms, max_delay: 50ms, reset_after: 1s, limit: {{burst: 1000, interval: 1s}}}}
    upgrade: {{max_draining: 100}}
    env: {{VERSION: {version}}}
"""


class Hammer:
    """A running load generator; its live lines tell how it goes, its result is a dict."""

    def __init__(self, case, address, mode, path="/", connections=CONNECTIONS, seconds=600):
        self.process = case.run_process(
            build.program("hammer"), "--mode", mode, "--connections", str(connections), "--seconds", str(seconds),
            "--live", "20", "--path", path, address, name=f"hammer ({mode} {path})")

    def wait_version(self, version, timeout=30.0):
        """Waits until a client is answered by this version from now on."""
        self.process.wait_line(f'"{version}":', timeout, stream="out", skip=self.process.out.count())

    def wait_answer(self, timeout=30.0):
        self.process.wait_line('"successes":[1-9]', timeout, stream="out", skip=self.process.out.count())

    def result(self):
        """Ends it."""
        self.process.signal(15)
        if self.process.wait() != 0:
            raise AssertionError(self.process.tail())
        self.process.finish_output()
        return json.loads(self.process.out.text().splitlines()[-1])


class ServiceTest(TestCase):
    """The service, started, as self.web; self.version counts up with each upgrade()."""

    timeout_s = 3600.0 if LONG else 240.0
    ready_timeout = "10s"

    def setUp(self):
        super().setUp()
        self.version = 1
        self.web = self.liveswap(self.config(), start=False)
        self.web.start(60.0)
        self.address = self.web.address("http")

    def config(self):
        return CONFIG.format(directory=self.directory, worker=build.program("http_worker"),
                             ready_timeout=self.ready_timeout, version=f"v{self.version}")

    def hammers(self):
        """The load: new connections, kept ones, and answers that take a while on a Unix socket."""
        return [Hammer(self, self.address, "close"), Hammer(self, self.address, "keep-alive"),
                Hammer(self, f"unix:{self.directory}/http.sock", "keep-alive", "/slow?ms=50", 8)]

    def upgrade(self, *options):
        """Puts the next version into the file and rolls it out."""
        self.version += 1
        self.web.configure(self.config())
        self.web.ctl("upgrade", *options, status=0)

    def assert_full_strength(self):
        app = self.web.app()
        self.assertEqual((app["workers_ready"], app["workers_wanted"]), (WORKERS, WORKERS), app)

    def assert_nothing_failed(self, result):
        self.assertEqual(result["failures"], {name: 0 for name in CLASSES}, result)
        self.assertGreater(result["successes"], 0)


def open_connections(worker, master):
    """How many connections a stopped worker has: its sockets, less those that the master has too, its listeners."""
    def sockets(pid):
        return {what for what in processes.descriptors(pid).values() if what.startswith("socket:")}
    return len(sockets(worker) - sockets(master))
