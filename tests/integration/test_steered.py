"""Steered listeners: each generation has sockets of its own, and the kernel is told which get what is new."""

import os
import pathlib
import resource
import signal
import socket

from harness import SCALE, build, net, processes
from harness.load import LoadCase

CONFIG = """
listeners:
  http: {{address: "{address}", handoff: steered{listener}}}
apps:
  web:
    command: [{worker}]
    workers: 2
    drain: {{timeout: 100s}}
    upgrade: {{{upgrade}}}
    env: {{VERSION: {version}{env}}}
"""

NODE = """
const server = require('http').createServer((request, response) => {
  setTimeout(() => response.end(`version=${process.env.VERSION} pid=${process.pid}\\n`), 5)
})
server.keepAliveTimeout = 1
server.listen(8080, '127.0.0.1')
"""


# Asked to drain, it shuts its listening socket down, and stays until it is told to leave.
SHUTS_DOWN = """
import os, signal, socket, threading
listener = socket.socket(fileno=3)
def leave(*_):
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other worker has
    open(f"{__file__}.{os.getpid()}", "w").close()
    if os.path.exists(__file__ + ".leave"):
        os._exit(0)
signal.signal(signal.SIGTERM, leave)
signal.signal(signal.SIGUSR1, lambda *_: os._exit(0))
def serve():
    while True:
        try:
            client = listener.accept()[0]
        except OSError:
            return
        body = f"version={os.environ['VERSION']} pid={os.getpid()}\\n".encode()
        head = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
        try:
            client.recv(4096)
            client.sendall(head + body)
        except OSError:
            pass
        client.close()
threading.Thread(target=serve, daemon=True).start()
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
while True:
    signal.pause()
"""


class Steered(LoadCase):
    def config(self, version, address="tcp://127.0.0.1:0", listener="", upgrade="", env=""):
        return CONFIG.format(address=address, listener=listener, upgrade=upgrade, env=env, version=version,
                             worker=build.program("http_worker"))

    def listener(self, web):
        return web.status()["listeners"][0]

    def chosen(self, web):
        return sorted({side["generation"] for side in self.listener(web)["sides"] if side["chosen"]})

    def test_a_generation_with_one_queue_is_replaced_under_load(self):
        web = self.upgrades_under_load(self.config)
        self.assertEqual(self.listener(web)["handoff"], "steered")
        self.assertEqual(self.chosen(web), [web.app()["generation"]])
        self.ended_well(web)

    def test_workers_with_queues_of_their_own_are_replaced_under_load(self):
        web = self.upgrades_under_load(lambda version: self.config(version, listener=", queues: per-worker"))
        self.assertEqual(len([side for side in self.listener(web)["sides"] if side["chosen"]]), 2)
        self.ended_well(web)

    def test_scaling_restarts_and_upgrades_that_are_aborted_or_fail_lose_nothing(self):
        for queues in ("one", "per-worker"):
            with self.subTest(queues):
                web = self.liveswap(self.config("v1", listener=f", queues: {queues}"))
                hammer = self.hammer(web.address("http"))
                self.wait_version(hammer, "v1")
                for workers in (4, 1, 3):
                    web.ctl("scale", "web", str(workers), status=0)
                    upgrade = web.ctl_process("upgrade", "--", "/bin/sleep", "1000")
                    web.wait_app(lambda app: app["rollout"] is not None)
                    web.ctl("abort", "web", status=0)
                    self.assertEqual(upgrade.wait(20.0 * SCALE), 1)
                    upgrade.close()
                    web.ctl("restart", "web", status=0)
                    web.ctl("upgrade", "--", "/bin/false", status=1)
                    self.assertEqual(len(web.workers("ready")), workers)
                self.nothing_failed(hammer)
                self.assertEqual(self.chosen(web), [web.app()["generation"]])
                self.ended_well(web)

    def test_a_stranger_of_the_same_user_at_the_address_gets_nothing_and_disturbs_nobody(self):
        def join(address):
            stranger = socket.socket()
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            stranger.bind(address)
            stranger.listen(100)
            stranger.setblocking(False)
            self.addCleanup(stranger.close)
            return stranger
        for queues in ("one", "per-worker"):
            with self.subTest(queues):
                listener = f", queues: {queues}"
                web = self.liveswap(self.config("v1", listener=listener))
                hammer = self.hammer(web.address("http"))
                self.wait_version(hammer, "v1")
                address = net.parse(web.address("http"))[2]
                strangers = [join(address)]
                for version in range(2, 10):
                    web.configure(self.config(f"v{version}", listener=listener))
                    web.ctl("upgrade", "--wait", "drained", status=0)
                    self.wait_version(hammer, f"v{version}")
                    strangers.append(join(address))
                    if version % 3 == 0:  # of those, one that has joined before the sockets that serve
                        with self.assertRaises(BlockingIOError):
                            strangers[0].accept()
                        strangers.pop(0).close()
                for stranger in strangers:
                    with self.assertRaises(BlockingIOError):
                        stranger.accept()
                self.nothing_failed(hammer)
                self.assertIn("has bound", web.process.tail(200))
                self.ended_well(web)

    def test_without_descriptors_an_upgrade_fails_and_nothing_is_lost_or_left(self):
        listener = ", queues: per-worker"
        web = self.liveswap(self.config("v1", listener=listener))
        web.ctl("upgrade", "--wait", "drained", status=0)

        def held():  # without what is being looked at for a moment
            names = processes.descriptors(web.pid).values()
            return sorted(name.split(":")[0] for name in names if not name.startswith("/proc/"))
        kinds = held()
        soft, hard = resource.prlimit(web.pid, resource.RLIMIT_NOFILE)
        hammer = self.hammer(web.address("http"))
        self.wait_version(hammer, "v1")
        web.configure(self.config("v2", listener=listener))
        for spare in range(0, 24, 4):  # failing at one step after the other; at last none is lacking
            resource.prlimit(web.pid, resource.RLIMIT_NOFILE, (len(kinds) + 6 + spare, hard))
            with self.subTest(spare=spare):
                result = web.ctl("upgrade", "--wait", "drained")
                self.assertIn(result.status, (0, 1), result)
                self.assertEqual(len(web.workers("ready")), 2)
                if result.status == 1:
                    self.assertIn("Too many open files", result.err + result.out)
        resource.prlimit(web.pid, resource.RLIMIT_NOFILE, (soft, hard))
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.wait_version(hammer, "v2")
        self.nothing_failed(hammer)
        self.wait_until(lambda: held() == kinds, what="the master to hold what it held")
        self.ended_well(web)

    def test_a_unix_path_is_steered_under_load(self):
        web = self.upgrades_under_load(
            lambda version: self.config(version, address=f"unix:{self.directory}/http.sock"))
        self.ended_well(web)
        self.assertEqual([name for name in os.listdir(self.directory) if "sock" in name], [])

    def test_a_rollout_worker_by_worker_loses_nothing(self):
        for upgrade in ("max_surge: 1", "max_surge: 0, max_unavailable: 1", "max_surge: 0, max_unavailable: 2"):
            with self.subTest(upgrade):
                web = self.upgrades_under_load(lambda version, how=upgrade: self.config(version, upgrade=how))
                self.ended_well(web)

    def test_node_servers_are_steered(self):
        script = self.write("server.js", NODE)
        text = """
listeners: {{http: {{address: "tcp://127.0.0.1:0", handoff: steered}}}}
apps:
  web:
    command: [node, {script}]
    protocol: node
    workers: 2
    env: {{VERSION: {version}}}
"""
        port = net.free_port()
        script.write_text(NODE.replace("8080", str(port)), encoding="utf-8")
        web = self.upgrades_under_load(
            lambda version: text.replace("127.0.0.1:0", f"127.0.0.1:{port}").format(script=script, version=version))
        self.ended_well(web)

    def test_a_native_worker_is_starved_before_it_is_asked_to_drain(self):
        text = """
listeners: {{http: {{address: "tcp://127.0.0.1:0", handoff: steered}}}}
apps: {{web: {{command: [{program}], protocol: native, workers: 2, env: {{VERSION: {version}}}}}}}
"""
        web = self.liveswap(text.format(program=build.program("native_server"), version="v1"))
        hammer = self.hammer(web.address("http"))
        for version in ("v2", "v3", "v4"):
            web.configure(text.format(program=build.program("native_server"), version=version))
            web.ctl("upgrade", "--wait", "drained", status=0)
            self.assertEqual(self.chosen(web), [web.app()["generation"]])
        self.nothing_failed(hammer)
        self.ended_well(web)

    def test_an_upgrade_that_fails_gets_no_client(self):
        web = self.liveswap(self.config("v1"))
        hammer = self.hammer(web.address("http"))
        self.wait_version(hammer, "v1")
        late = self.config("v2", env=", READY_MS: 1000000")
        web.configure(late.replace("drain:", "ready: {timeout: 2s}\n    drain:"))
        result = web.ctl("upgrade", status=1)
        self.assertIn("rolled back", result.err + result.out)
        self.wait_version(hammer, "v1")
        self.assertNotIn('"v2"', hammer.out.text())
        self.nothing_failed(hammer)
        self.ended_well(web)

    def test_what_waits_at_the_old_generation_is_served_by_it(self):
        web = self.liveswap(self.config("v1").replace("workers: 2", "workers: 1"))
        old = web.workers("ready")[0]["pid"]
        os.kill(old, signal.SIGSTOP)
        self.wait_until(lambda: processes.stat(old).state == "T")
        waiting = [net.HttpConnection(web.address("http"), timeout=30.0) for _ in range(20)]
        for client in waiting:
            client.send("/", ["Connection: close"])
        web.configure(self.config("v2").replace("workers: 2", "workers: 1"))
        web.ctl("upgrade", status=0)
        self.assertIn("version=v2 ", web.get("http").body)
        sides = self.listener(web)["sides"]
        self.assertEqual(sorted((side["chosen"], side["queue"]) for side in sides), [(False, 20), (True, 0)])
        self.assertEqual([worker["state"] for worker in web.workers() if worker["pid"] == old], ["draining"])
        os.kill(old, signal.SIGCONT)
        for client in waiting:
            with client:
                self.assertIn("version=v1 ", client.receive().body)
        web.wait_app(lambda app: len(app["workers"]) == 1)
        self.ended_well(web)

    def test_what_waits_at_a_worker_that_crashes_is_served_by_the_next_one(self):
        web = self.liveswap(self.config("v1").replace("workers: 2", "workers: 1"))
        old = web.workers("ready")[0]["pid"]
        os.kill(old, signal.SIGSTOP)
        self.wait_until(lambda: processes.stat(old).state == "T")
        waiting = [net.HttpConnection(web.address("http"), timeout=30.0) for _ in range(20)]
        for client in waiting:
            client.send("/", ["Connection: close"])
        os.kill(old, signal.SIGKILL)
        for client in waiting:
            with client:
                self.assertIn("version=v1 ", client.receive().body)
        self.ended_well(web)

    def test_old_workers_that_shut_their_sockets_down_take_no_client_along(self):
        script = self.write("server.py", SHUTS_DOWN)
        for queues in ("", ", queues: per-worker"):
            with self.subTest(queues):
                def config(version, more=queues):
                    return self.config(version, listener=more).replace(f"[{build.program('http_worker')}]",
                                                                       f"[python3, {script}]")
                web = self.liveswap(config("v1"))
                hammer = self.hammer(web.address("http"))
                self.wait_version(hammer, "v1")
                for version in ("v2", "v3"):
                    web.configure(config(version))
                    web.ctl("upgrade", status=0)
                    old = [worker["pid"] for worker in web.workers("draining")]
                    self.assertEqual(len(old), 2)
                    self.wait_until(lambda: all(pathlib.Path(f"{script}.{pid}").exists() for pid in old))
                    for _ in range(40):
                        self.assertIn(f"version={version} ", web.get("http").body)
                    for pid in old:
                        os.kill(pid, signal.SIGUSR1)
                    web.wait_app(lambda app: len(app["workers"]) == 2)
                    self.wait_version(hammer, version)
                self.nothing_failed(hammer)
                leave = self.write("server.py.leave")
                self.ended_well(web)
                leave.unlink()

    def test_datagrams_are_steered(self):
        web = self.liveswap(self.config("v1", address="udp://127.0.0.1:0"))

        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(10.0 * SCALE)
                client.connect(net.parse(web.address("http"))[2])
                client.send(b"?")
                return client.recv(4096).decode()
        self.assertIn("version=v1 ", ask())
        web.configure(self.config("v2", address="udp://127.0.0.1:0"))
        web.ctl("upgrade", status=0)
        self.assertIn("version=v2 ", ask())
        self.ended_well(web)

    def test_a_pause_lets_clients_wait(self):
        web = self.liveswap(self.config("v1"))
        web.ctl("pause", "http", status=0)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.setblocking(False)
            client.connect_ex(net.parse(web.address("http"))[2])
            self.assertFalse(processes.wait_readable([client.fileno()], 0.2))
            web.ctl("resume", "http", status=0)
            client.settimeout(10.0 * SCALE)
            client.setblocking(True)
            client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            self.assertIn(b"version=v1 ", client.recv(4096))
        self.ended_well(web)
