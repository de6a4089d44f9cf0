"""Workers of every protocol, whose master dies: while they start, so that they get ready with the next one, and while
they serve, so that the next one drains and replaces them."""

import os
import shutil
import signal
import sys
import unittest

from harness import SCALE, TestCase, build, net

# Serves HTTP on `listener` until it is asked to leave; says READY when the gate is open.
SERVER = """
import os, signal, socket, sys, time
def gate():
    while not os.path.exists({gate!r}):
        time.sleep(0.01)
def leave(*_):
    os._exit(0)
for number in (signal.SIGTERM, signal.SIGUSR2, signal.SIGQUIT):
    signal.signal(number, leave)
def notify(text):
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(text, address if address[0] == "/" else "\\0" + address[1:])
{begin}
while True:
    client, _ = listener.accept()
    client.setblocking(True)
    if client.recv(65536):
        body = b"version=" + os.environ["VERSION"].encode()
        client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" % len(body) + body)
    client.close()
"""
NODE = """
const fs = require('fs'), http = require('http');
const timer = setInterval(() => {{
  if (!fs.existsSync({gate!r})) return;
  clearInterval(timer);
  http.createServer((req, res) => res.end('version=' + process.env.VERSION)).listen({port}, '127.0.0.1');
}}, 10);
"""
PASSED = "listener = socket.socket(fileno=3)\nlistener.setblocking(True)\ngate()\n"
BINDS = "gate()\nlistener = socket.create_server(('127.0.0.1', {port}))\n"


class Workers(TestCase):
    def survives(self, begin, keys, listeners='{{http: tcp://127.0.0.1:0}}', command=None, server=SERVER, port=None):
        gate = self.directory / "gate"
        program = self.directory / ("server.js" if server is NODE else "server.py")
        program.write_text(server.format(gate=str(gate), begin=begin.format(port=port), port=port), encoding="utf-8")
        gate.write_text("", encoding="utf-8")
        command = command or [sys.executable if server is SERVER else "node", str(program)]

        def config(version):
            lines = "".join(f"    {line}\n" for line in keys.splitlines())
            listens = f"listeners: {listeners}\n" if listeners else ""
            return (f"{listens}apps:\n  web:\n    command: {command}\n    workers: 2\n    env: {{VERSION: {version}}}\n"
                    f"    drain: {{timeout: 20s}}\n{lines}").replace("{{", "{").replace("}}", "}")
        web = self.liveswap(config("v1"), env={"PATH": "/usr/bin:/bin:" + os.environ["PATH"]})
        address = f"tcp://127.0.0.1:{port}" if port else web.address("http")
        workers = {worker["pid"] for worker in web.workers("ready")}

        def body():
            return net.http_get(address, "/", 5.0).body
        self.kill_master(web)
        self.assertEqual({worker["pid"] for worker in web.workers("ready")}, workers)
        self.assertEqual(body(), "version=v1")

        gate.unlink()  # the next ones start, and are not ready yet
        web.configure(config("v2"))
        upgrade = web.ctl_process("upgrade", "--wait", "drained")
        self._processes.append(upgrade)
        self.wait_until(lambda: len(web.workers("starting")) == 2 or upgrade.status is not None, 20.0 * SCALE)
        self.kill_master(web)
        self.assertEqual(len(web.workers("starting")), 2, upgrade.tail())
        self.assertEqual(body(), "version=v1")
        gate.write_text("", encoding="utf-8")
        self.assertEqual(upgrade.wait(60.0 * SCALE), 0, upgrade.tail())
        self.assertEqual(body(), "version=v2")

        self.kill_master(web)
        web.configure(config("v3"))
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertEqual(body(), "version=v3")
        os.kill(web.workers("ready")[0]["pid"], signal.SIGKILL)
        self.wait_until(lambda: sum(worker["restarts"] for worker in web.workers("ready")) == 1
                        and len(web.workers("ready")) == 2, 20.0 * SCALE)
        self.ended_well(web)

    def kill_master(self, web):
        old = web.pid
        os.kill(old, signal.SIGKILL)

        def another():
            result = web.ctl("status", "--json")
            return result.status == 0 and result.result["master"]["pid"] != old
        self.wait_until(another, 20.0 * SCALE, "another master to take over")

    def test_systemd(self):
        self.survives(PASSED + "notify(b'READY=1')\n", "")

    def test_systemd_at_a_steered_listener(self):
        self.survives(PASSED + "notify(b'READY=1')\n", "",
                      "{{http: {{address: 'tcp://127.0.0.1:0', handoff: steered}}}}")

    def test_systemd_at_a_steered_path(self):
        path = self.directory / "http.sock"
        self.survives(PASSED + "notify(b'READY=1')\n", "",
                      f"{{{{http: {{{{address: 'unix:{path}', handoff: steered}}}}}}}}")

    def test_one_queue_a_worker(self):
        self.survives(PASSED + "notify(b'READY=1')\n", "",
                      "{{http: {{address: 'tcp://127.0.0.1:0', handoff: steered, queues: per-worker}}}}")

    def test_a_newline_on_a_descriptor(self):
        self.survives(PASSED + "os.write(9, b'\\n')\n", "ready: {when: fd, fd: 9}")

    def test_notify_fd(self):
        self.survives(PASSED + "socket.socket(fileno=int(os.environ['NOTIFY_FD'])).send(b'READY=1')\n",
                      "notify_fd: true")

    def test_einhorn(self):
        self.survives("""listener = socket.socket(fileno=int(os.environ["EINHORN_FD_0"]))
listener.setblocking(True)
gate()
ack = socket.socket(socket.AF_UNIX)
ack.connect(os.environ["EINHORN_SOCK_PATH"])
ack.sendall(b'{{"command":"worker:ack","pid":%d}}\\n' % os.getpid())
""", "protocol: einhorn")

    def test_server_starter(self):
        self.survives("""listener = socket.socket(fileno=int(os.environ["SERVER_STARTER_PORT"].split("=")[-1]))
listener.setblocking(True)
gate()
""", "protocol: server-starter\nready: {when: delay, delay: 2s}")

    def test_one_that_is_asked(self):
        asks = self.script("asks", f"test -e {self.directory}/gate\n")
        self.survives(PASSED, f"ready: {{when: command, command: [{asks}], interval: 50ms}}")

    def test_one_that_binds_by_itself(self):
        self.survives(BINDS, "protocol: bind", None, port=net.free_port())

    def test_one_that_binds_by_itself_and_is_seen_by_a_library(self):
        self.survives(BINDS, "protocol: bind\nbind_by: preload", None, port=net.free_port(),
                      command=["/usr/bin/python3", str(self.directory / "server.py")])

    def test_one_that_binds_by_itself_at_a_listener_of_the_file(self):
        port = net.free_port()
        self.survives(BINDS, "protocol: bind",
                      f"{{{{http: {{{{address: 'tcp://127.0.0.1:{port}', handoff: steered}}}}}}}}", port=port)

    @unittest.skipUnless(shutil.which("node", path="/usr/bin:/bin:" + os.environ["PATH"]), "node is not installed")
    def test_node(self):
        self.survives("", "protocol: node", None, server=NODE, port=net.free_port())

    def test_native(self):
        """libliveswap's: it speaks with the next master on the channel that it has."""
        web = self.liveswap(f"""listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: [{build.program("native_server")}]
    protocol: native
    workers: 2
    drain: {{timeout: 20s}}
""")
        for _ in range(3):
            self.kill_master(web)
            self.assertNotEqual(net.http_get(web.address("http"), "/", 5.0).body, "")
            web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertEqual(len(web.workers("ready")), 2)
        self.ended_well(web)
