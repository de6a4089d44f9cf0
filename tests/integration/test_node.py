"""protocol: node. Unmodified Node.js programs as workers: whatever they listen on, they share, within their rights."""

import json
import os
import re
import shutil
import socket
import subprocess
import unittest

from harness import LONG, TestCase, build, net

UPGRADES = 100 if LONG else 10
NODE = shutil.which("node")

# The first program of the namesake's README, with what tells its generations apart.
HELLO = """
var http = require('http')
http.createServer(function (req, res) {
  res.writeHead(200, {'Content-Type': 'text/plain'})
  res.end('version=' + process.env.VERSION + ' pid=' + process.pid + '\\n')
}).listen(process.env.PORT, '127.0.0.1')
console.log('Server running')
"""

CONFIG = """
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: [{node}, server.js]
    cwd: {directory}
    protocol: node
    workers: 2
    drain: {{timeout: 20s}}
    env: {{VERSION: {version}, PORT: "${{port:http}}"}}
"""


def config(directory, keys="", listeners="", workers=1, env=""):
    """A file with one Node app; `keys` are lines of it."""
    lines = "".join(f"    {key}\n" for key in keys.splitlines() if key)
    return (f"{listeners}apps:\n  web:\n    command: [{NODE}, server.js]\n    cwd: {directory}\n    protocol: node\n"
            f"    workers: {workers}\n    env: {{VERSION: v1{env}}}\n{lines}")


@unittest.skipUnless(NODE, "node is not installed")
class Node(TestCase):
    timeout_s = 3600.0 if LONG else 240.0

    def server(self, text):
        self.write("server.js", text)
        self.directory.chmod(0o755)

    def listeners(self, web):
        return {row["name"]: f"{row['kind']}:{row['address']}" for row in web.status()["listeners"]}

    def printed(self, web, pattern, timeout=20.0):
        return web.process.wait_line(r"web/\d+ g\d+ \| " + pattern, timeout, stream="out")

    # ---- upgrades ----

    def upgrades_under_load(self, keys=""):
        text = CONFIG + keys
        web = self.liveswap(text.format(node=NODE, directory=self.directory, version="v1"), timeout=60.0)
        hammer = self.run_process(build.program("hammer"), "--mode", "close", "--connections", "16", "--seconds",
                                  "3000", "--live", "20", web.address("http"), name="hammer")
        hammer.wait_line('"v1":', 30.0, stream="out")
        for version in range(2, UPGRADES + 2):
            web.configure(text.format(node=NODE, directory=self.directory, version=f"v{version}"))
            web.ctl("upgrade", status=0)
            hammer.wait_line(f'"v{version}":', 30.0, stream="out", skip=hammer.out.count())
        hammer.signal(15)
        self.assertEqual(hammer.wait(), 0, hammer.tail())
        hammer.finish_output()
        result = json.loads(hammer.out.text().splitlines()[-1])
        self.assertEqual(sum(result["failures"].values()), 0, result)
        self.assertGreater(result["successes"], 100)
        return web

    def test_an_unmodified_server_is_upgraded_under_load_and_nothing_is_lost(self):
        self.server(HELLO)
        self.ended_well(self.upgrades_under_load())

    def test_a_response_in_flight_is_finished_by_the_old_generation(self):
        self.server("""
            const http = require('http')
            http.createServer((request, response) => {
              if (request.url == '/finish') process.nextTick(() => slow.end('done'))
              if (request.url == '/slow') { slow = response; response.write('begun ') }
              else response.end(process.env.VERSION)
            }).listen(process.env.PORT, '127.0.0.1')
            let slow
            process.on('SIGUSR2', () => slow.end('done'))
        """)
        web = self.liveswap(CONFIG.replace("workers: 2", "workers: 1").format(node=NODE, directory=self.directory,
                                                                              version="v1"))
        old = web.workers("ready")[0]["pid"]
        with socket.create_connection(net.parse(web.address("http"))[2], timeout=20) as client:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertIn(b"begun", self.read_until(client, b"begun"))
            web.ctl("upgrade", "--env", "VERSION=v2", status=0)
            self.assertEqual(web.get("http").body, "v2")
            self.assertEqual([worker["state"] for worker in web.workers() if worker["pid"] == old], ["draining"])
            os.kill(old, 12)
            self.assertIn(b"done", self.read_until(client, b"done"))
        web.ctl("wait", "--for", "drained", status=0)
        self.ended_well(web)

    def read_until(self, sock, mark):
        data = b""
        while mark not in data:
            piece = sock.recv(4096)
            self.assertTrue(piece, f"closed after {data!r}")
            data += piece
        return data

    def test_a_program_that_throws_at_its_start_leaves_the_old_one_serving(self):
        self.server(HELLO)
        web = self.liveswap(CONFIG.format(node=NODE, directory=self.directory, version="v1"))
        self.server("throw new Error('no such luck')")
        result = web.ctl("upgrade", status=1)
        self.assertIn("no such luck", result.out + result.err)
        self.assertIn("version=v1", web.get("http").body)
        self.ended_well(web)

    def test_a_worker_that_is_killed_comes_back_on_the_same_socket(self):
        self.server(HELLO)
        web = self.liveswap(CONFIG.format(node=NODE, directory=self.directory, version="v1"))
        before = web.workers("ready")
        os.kill(before[0]["pid"], 9)
        web.wait_app(lambda app: app["workers_ready"] == 2 and app["workers"][0]["pid"] not in (0, before[0]["pid"]))
        self.assertIn("version=v1", web.get("http").body)
        self.ended_well(web)

    # ---- readiness ----

    def test_ready_is_when_all_servers_listen(self):
        self.server("""
            const net = require('net')
            net.createServer().listen(0, '127.0.0.1')
            net.createServer().listen({port: 0, host: '127.0.0.1'})
            net.createServer().listen(0, '127.0.0.1', () => console.log('third'))
        """)
        web = self.liveswap(config(self.directory))
        self.printed(web, "third", 1.0)
        self.ended_well(web)

    def test_ready_by_a_message_waits_for_it(self):
        self.server("""
            const net = require('net')
            net.createServer().listen(0, '127.0.0.1', () => console.log('listening'))
            process.on('SIGUSR2', () => process.send('ready'))
        """)
        web = self.liveswap(config(self.directory, "ready: {when: message, timeout: 60s}"), start=False)
        web.launch()
        self.printed(web, "listening")
        worker = web.workers("starting")[0]
        os.kill(worker["pid"], 12)
        web.wait_app(lambda app: app["workers_ready"] == 1)
        self.ended_well(web)

    def test_a_large_message_of_the_program_is_passed_over(self):
        self.server("""
            process.send({many: 'x'.repeat(3000000)}, () => process.send({cmd: 'ready'}))
            setInterval(() => {}, 1000)
        """)
        web = self.liveswap(config(self.directory, "ready: {when: message}\ndrain: {timeout: 1s}"))
        self.ended_well(web)

    # ---- drain ----

    def test_a_drain_message_reaches_the_program_before_its_servers_close(self):
        self.server("""
            const server = require('net').createServer().listen(0, '127.0.0.1')
            server.on('close', () => console.log('closed'))
            process.on('message', text => console.log('told', text))
        """)
        web = self.liveswap(config(self.directory, "drain: {message: shutdown}"))
        web.ctl("restart", "--wait", "drained", status=0)
        self.printed(web, "told shutdown", 1.0)
        self.printed(web, "closed", 1.0)
        self.ended_well(web)

    def test_a_worker_that_leaves_by_itself_is_replaced(self):
        self.server("""
            require('net').createServer().listen(0, '127.0.0.1')
            process.on('SIGUSR2', () => require('cluster').worker.disconnect())
        """)
        web = self.liveswap(config(self.directory))
        worker = web.workers("ready")[0]
        os.kill(worker["pid"], 12)
        web.wait_app(lambda app: app["workers_ready"] == 1 and app["workers"][0]["pid"] not in (0, worker["pid"]))
        self.ended_well(web)

    # ---- sockets ----

    def test_what_a_program_listens_on_is_opened_once_and_closed_after_its_last_generation(self):
        self.server("""
            require('http').createServer((q, r) => r.end(process.env.VERSION)).listen(process.env.PORT)
        """)
        port, other = net.free_port(), net.free_port()
        web = self.liveswap(config(self.directory, workers=2, env=f", PORT: {port}"))
        self.assertEqual(self.listeners(web), {f"web-{port}": f"tcp:[::]:{port}"})
        self.assertEqual(net.http_get(f"tcp://127.0.0.1:{port}").body, "v1")
        web.ctl("upgrade", "--env", f"PORT={other}", "--env", "VERSION=v2", "--wait", "drained", status=0)
        self.wait_until(lambda: self.listeners(web) == {f"web-{other}": f"tcp:[::]:{other}"})
        self.assertEqual(net.http_get(f"tcp://127.0.0.1:{other}").body, "v2")
        with self.assertRaises(ConnectionRefusedError):
            net.connect(f"tcp://127.0.0.1:{port}")
        self.ended_well(web)

    def test_a_server_without_a_host_takes_the_listener_of_all_hosts(self):
        self.server("require('http').createServer((q, r) => r.end('yes')).listen(process.env.PORT)")
        web = self.liveswap(config(self.directory, listeners="listeners: {http: 'tcp://0.0.0.0:0'}\n",
                                   env=', PORT: "${port:http}"'))
        self.assertEqual(list(self.listeners(web)), ["http"])
        self.assertEqual(web.get("http").body, "yes")
        self.ended_well(web)

    def test_descriptors_are_the_apps_listeners_and_nothing_else(self):
        self.server("""
            const net = require('net')
            require('http').createServer((q, r) => r.end('by number')).listen({fd: 3})
            for (const fd of [4, 7]) net.createServer().on('error', e => console.log(fd, e.code)).listen({fd})
        """)
        web = self.liveswap(config(self.directory, listeners="listeners: {http: 'tcp://127.0.0.1:0'}\n"))
        self.assertEqual(web.get("http").body, "by number")
        self.printed(web, "4 EBADF")
        self.printed(web, "7 EBADF")
        self.ended_well(web)

    def test_a_unix_path_is_shared_and_goes_with_the_app(self):
        path = self.directory / "node.sock"
        self.server("require('http').createServer((q, r) => r.end(process.env.VERSION)).listen('node.sock')")
        web = self.liveswap(config(self.directory, workers=2))
        self.assertEqual(self.listeners(web), {"web-node.sock": f"unix:{path}"})
        web.ctl("upgrade", "--env", "VERSION=v2", "--wait", "drained", status=0)
        self.assertEqual(net.http_get(f"unix:{path}").body, "v2")
        self.ended_well(web)
        self.assertFalse(path.exists())

    def test_a_program_that_unlinks_its_path_first_is_upgraded_too(self):
        path = self.directory / "node.sock"
        self.server("""
            require('fs').rmSync('node.sock', {force: true})
            require('http').createServer((q, r) => r.end(process.env.VERSION)).listen('node.sock')
        """)
        web = self.liveswap(config(self.directory))
        web.ctl("upgrade", "--env", "VERSION=v2", "--wait", "drained", status=0)
        self.assertEqual(net.http_get(f"unix:{path}").body, "v2")
        self.wait_until(lambda: len(self.listeners(web)) == 1)
        self.ended_well(web)
        self.assertFalse(path.exists())

    def test_datagram_sockets_are_shared(self):
        self.server("""
            const socket = require('dgram').createSocket('udp4')
            socket.on('message', (text, from) => socket.send(process.env.VERSION, from.port, from.address))
            socket.bind(process.env.PORT, '127.0.0.1')
        """)
        web = self.liveswap(config(self.directory, listeners="listeners: {dns: 'udp://127.0.0.1:0'}\n",
                                   env=', PORT: "${port:dns}"'))
        web.ctl("upgrade", "--env", "VERSION=v2", "--wait", "drained", status=0)
        with net.connect(web.address("dns")) as client:
            client.send(b"?")
            self.assertEqual(client.recv(16), b"v2")
        self.ended_well(web)

    def test_what_another_app_has_is_in_use(self):
        self.server("""
            require('net').createServer().on('error', e => console.log(e.code)).listen(process.env.PORT, '127.0.0.1')
        """)
        text = config(self.directory, "listeners: []\nready: {when: delay, delay: 100ms}",
                      listeners="listeners: {http: 'tcp://127.0.0.1:0'}\n", env=', PORT: "${port:http}"')
        web = self.liveswap(text + f"  other: {{command: [{build.program('http_worker')}], listeners: [http]}}\n")
        self.printed(web, "EADDRINUSE")
        self.ended_well(web)

    def test_more_than_on_demand_max_are_refused(self):
        self.server("""
            const net = require('net')
            net.createServer().listen(0, '127.0.0.1', () => {
              net.createServer().on('error', e => console.log(e.code)).listen(process.env.PORT, '127.0.0.1')
            })
        """)
        web = self.liveswap(config(self.directory, "on_demand_max: 1", env=f", PORT: {net.free_port()}"))
        self.printed(web, "EMFILE")
        web.process.wait_line(r"its app has opened 1 already \(on_demand_max\)")
        self.ended_well(web)

    @unittest.skipIf(os.geteuid() != 0, "only root can run workers as another user")
    def test_a_worker_opens_what_its_own_user_could_and_what_allow_bind_lists(self):
        self.server("""
            const net = require('net')
            const attempt = where => net.createServer().on('error', e => console.log(where, e.code))
              .listen(where, () => console.log(where, 'listens'))
            attempt(81); attempt(82)
            attempt(process.cwd() + '/forbidden.sock'); attempt(process.cwd() + '/open/mine.sock')
        """)
        mine = self.directory / "open"
        mine.mkdir()
        mine.chmod(0o777)
        keys = "user: nobody\nallow_bind: tcp://:82\nready: {when: delay, delay: 1s}"
        web = self.liveswap(config(self.directory, keys))
        self.printed(web, "81 EACCES")
        self.printed(web, "82 listens")
        self.printed(web, r"\S+/forbidden.sock EACCES")
        self.printed(web, r"\S+/open/mine.sock listens")
        self.assertEqual((mine / "mine.sock").stat().st_uid, 65534)
        self.ended_well(web)
        self.assertEqual(list(mine.iterdir()), [])

    def test_a_program_that_forks_a_cluster_of_its_own_serves_in_its_one_process(self):
        self.server("""
            const cluster = require('cluster')
            if (cluster.isPrimary) { cluster.fork() } else {
              require('http').createServer((q, r) => r.end(String(cluster.worker.id > 0))).listen(process.env.PORT)
            }
        """)
        port = net.free_port()
        web = self.liveswap(config(self.directory, env=f", PORT: {port}"))
        self.assertEqual(net.http_get(f"tcp://127.0.0.1:{port}").body, "true")
        self.ended_well(web)

    def test_a_worker_has_its_slot_in_the_variables_of_other_process_managers(self):
        self.server("""
            const e = process.env
            console.log([e.NODE_APP_INSTANCE, e.NAUGHT_WORKER, e.WORKER_ID, e.LISTEN_FDS, e.NODE_CHANNEL_FD].join())
            require('fs').readdir('/proc/self/fd', () => require('net').createServer().listen(0, '127.0.0.1'))
        """)
        web = self.liveswap(config(self.directory, workers=2))
        self.printed(web, "0,0,0,,$")
        self.printed(web, "1,1,1,,$")
        self.ended_well(web)

    def test_tls_servers_share_their_ticket_keys_over_generations(self):
        self.make_certificate()
        self.server("""
            const fs = require('fs')
            const options = {key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem')}
            const server = require('tls').createServer(options, s => s.end())
            server.listen(process.env.PORT, '127.0.0.1',
                          () => console.log('keys', server.getTicketKeys().toString('hex')))
        """)
        web = self.liveswap(CONFIG.format(node=NODE, directory=self.directory, version="v1"))
        web.ctl("upgrade", status=0)
        found = [self.printed(web, r"keys (\w+)").group(1)]
        lines = web.process.tail(200)
        found += re.findall(r"\| keys (\w+)", lines)
        self.assertEqual(len(found), 5, lines)
        self.assertEqual(len(set(found)), 1, lines)
        self.ended_well(web)

    def make_certificate(self):
        openssl = shutil.which("openssl")
        if openssl is None:
            self.skipTest("openssl is not installed")
        subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
                        "cert.pem", "-days", "1", "-subj", "/CN=localhost"], cwd=self.directory, check=True,
                       capture_output=True, timeout=60)

    def test_no_descriptor_is_lost_over_upgrades(self):
        self.server(HELLO)
        web = self.liveswap(CONFIG.format(node=NODE, directory=self.directory, version="v1"))
        before = len(os.listdir(f"/proc/{web.pid}/fd"))
        for _ in range(4):
            web.ctl("upgrade", "--wait", "drained", status=0)
            self.wait_until(lambda: len(os.listdir(f"/proc/{web.pid}/fd")) <= before)
        self.ended_well(web)
