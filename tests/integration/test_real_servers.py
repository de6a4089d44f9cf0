"""Servers as their projects release them, with the settings that liveswap-worker(7) has for each: nothing is lost."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from harness import SCALE, net
from harness.load import LoadCase
from harness.manual import example

PATH = "/usr/sbin:/usr/bin:/bin:" + os.environ.get("PATH", "")  # Debian's come first

NGINX = """
error_log stderr warn;
worker_processes 2;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
{servers}
}}
"""

RACKUP = """
run lambda { |env|
  body = "version=#{ENV['VERSION']} pid=#{Process.pid}\\n"
  [200, {'content-type' => 'text/plain', 'content-length' => body.size.to_s}, [body]]
}
"""

PUMA = """
queue_requests false
threads 4, 4
"""

HAPROXY = """
global
  maxconn 200
defaults
  mode http
  option idle-close-on-response
  timeout client 20s
  timeout connect 20s
  timeout server 20s
frontend web
  bind "fd@${FD}"
  http-request return status 200 content-type text/plain lf-string "version=%[env(VERSION)] pid=%pid\\n"
"""

WSGI = """
import os


def application(env, start_response):
    body = f"version={os.environ['VERSION']} pid={os.getpid()}\\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""

UWSGI_PARAMS = """
uwsgi_param REQUEST_METHOD $request_method; uwsgi_param QUERY_STRING $query_string;
uwsgi_param PATH_INFO $document_uri; uwsgi_param SERVER_PROTOCOL $server_protocol;
uwsgi_param SERVER_NAME $server_name; uwsgi_param SERVER_PORT $server_port;
"""

# nginx does not try again here: a lost connection is an answer 502.
FASTCGI_SERVER = """
server {
  listen 0.0.0.0:8080;
  location / {
    fastcgi_pass 127.0.0.1:9000;
    fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_param SCRIPT_FILENAME %s/index.php;
  }
}
"""

PSGI = """
sub {
  my $body = "version=$ENV{VERSION} pid=$$\\n";
  [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]];
}
"""

PHP = """<?php echo "version=", getenv("VERSION"), " pid=", getmypid(), "\\n";"""

EXPRESS = """
const app = require('express')();
app.get('/', (request, response) => response.send(`version=${process.env.VERSION} pid=${process.pid}\\n`));
app.listen(PORT, '127.0.0.1');
"""

# Answers each frame, which is taken to come whole, masked and short, as browsers send short texts.
WEBSOCKETS = """
const crypto = require('crypto');
const http = require('http');
const server = http.createServer((request, response) => {
  response.end(`version=${process.env.VERSION} pid=${process.pid}\\n`);
});
server.on('upgrade', (request, socket) => {
  const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n' +
               `Sec-WebSocket-Accept: ${crypto.createHash('sha1').update(key).digest('base64')}\\r\\n\\r\\n`);
  socket.on('data', (frame) => {
    const text = frame.subarray(6).map((byte, i) => byte ^ frame[2 + i % 4]);
    const answer = Buffer.from(`${process.env.VERSION}: ${text}`);
    socket.write(Buffer.concat([Buffer.from([0x81, answer.length]), answer]));
  });
});
server.listen(PORT, '127.0.0.1');
"""

NODE = """
listeners: {{http: tcp://127.0.0.1:{port}}}
apps:
  web:
    command: [node, server.js]
    cwd: {directory}
    protocol: node
    workers: {workers}
    env: {{VERSION: {version}}}
    drain: {{timeout: {drain}}}
"""


def needs(program):
    return unittest.skipUnless(shutil.which(program, path=PATH), f"{program} is not installed")


class ServerCase(LoadCase):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        self.port = net.free_port()  # what a server inherits must be what its own configuration names

    def config(self, server, changes, delay):
        """What liveswap-worker(7) has for a server, with this test's address, files and delay."""
        text = example("liveswap-worker.7", f"# {server}")
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        text = text.replace("0.0.0.0:8080", f"127.0.0.1:{self.port}")
        text = re.sub(r"delay: \w+(?=})", f"delay: {delay}", text)
        return f"{text}    cwd: {self.directory}\n    env_file: {self.directory}/version\n"

    def upgraded(self, server, *changes, delay="500ms", mode="close", through=None):
        def config(version):
            self.write("version", f"VERSION={version}\n")
            return self.config(server, changes, delay)
        return self.upgrades_under_load(config, mode, through, env={"PATH": PATH})

    def nginx_conf(self, servers):
        return self.write("nginx.conf", NGINX.format(directory=self.directory, servers=servers))

    def upgraded_behind_nginx(self, server, address, servers, **values):
        """The server on another port, and an nginx of the test's own where the clients ask."""
        backend = f"127.0.0.1:{net.free_port()}"
        conf = self.nginx_conf(servers.replace(address, backend).replace("0.0.0.0:8080", f"127.0.0.1:{self.port}"))
        nginx = self.run_process(shutil.which("nginx", path=PATH), "-c", str(conf), "-g",
                                 f"daemon off; pid {self.directory}/nginx.pid;", name="nginx")
        web = self.upgraded(server, (address, backend), through=f"tcp://127.0.0.1:{self.port}", **values)
        nginx.signal(signal.SIGQUIT)
        self.assertEqual(nginx.wait(), 0, nginx.tail())
        self.ended_well(web)


class Inheriting(ServerCase):
    @needs("nginx")
    def test_nginx(self):
        def config(version):
            self.write("version")
            answer = f'return 200 "version={version} pid=$pid";'
            conf = self.nginx_conf(f"server {{ listen 127.0.0.1:{self.port}; {answer} }}")
            return self.config("nginx", [("/srv/web/nginx.conf", str(conf)), ("/run/", f"{self.directory}/")], "300ms")
        web = self.upgrades_under_load(config, env={"PATH": PATH})
        with open(f"/proc/{web.workers('ready')[0]['pid']}/fdinfo/3", encoding="ascii") as info:
            flags = int(re.search(r"flags:\s*(\d+)", info.read())[1], 8)
        self.assertTrue(flags & os.O_NONBLOCK, "a blocking listener stops the nginx that was too late for a connection")
        self.ended_well(web)

    @needs("unicorn")
    def test_unicorn(self):
        self.write("config.ru", RACKUP)
        self.ended_well(self.upgraded("unicorn", delay="1s"))

    @needs("puma")
    def test_puma(self):
        self.write("config.ru", RACKUP)
        self.write("puma.rb", PUMA)
        self.ended_well(self.upgraded("puma", delay="1s"))


class Others(ServerCase):
    @needs("haproxy")
    def test_haproxy(self):
        self.write("haproxy.cfg", HAPROXY)
        self.ended_well(self.upgraded("haproxy", delay="300ms"))

    @needs("haproxy")
    def test_haproxy_keeps_kept_connections(self):
        self.write("haproxy.cfg", HAPROXY)
        self.ended_well(self.upgraded("haproxy", delay="300ms", mode="keep-alive"))

    @needs("uwsgi")
    @unittest.skipUnless(os.path.exists("/usr/lib/uwsgi/plugins/python3_plugin.so"), "uwsgi has no python3 plugin")
    @needs("nginx")
    def test_uwsgi_behind_nginx(self):
        self.write("app.py", WSGI)
        servers = example("liveswap-worker.7", "upstream web")
        self.assertIn("include uwsgi_params;", servers)
        self.upgraded_behind_nginx("uwsgi", "127.0.0.1:3031", servers.replace("include uwsgi_params;", UWSGI_PARAMS))

    @needs("plackup")
    def test_starlet(self):
        perl = subprocess.run(["perl", "-MPlack::Handler::Starlet", "-e", "1"], check=False, capture_output=True)
        if perl.returncode != 0:
            self.skipTest("Starlet is not installed")
        self.write("app.psgi", PSGI)
        self.ended_well(self.upgraded("starlet"))

    @needs("php-cgi")
    @needs("nginx")
    def test_php_cgi_behind_nginx(self):
        self.write("index.php", PHP)
        self.upgraded_behind_nginx("php-cgi", "127.0.0.1:9000", FASTCGI_SERVER % self.directory, delay="200ms")

    @needs("go")
    def test_go_net_http(self):
        program = example("liveswap-worker.7", "package main")
        old, new = 'Fprint(w, "hello")', 'Fprintf(w, "version=%s pid=%d", os.Getenv("VERSION"), os.Getpid())'
        self.assertIn(old, program)
        self.write("main.go", program.replace(old, new))
        subprocess.run([shutil.which("go", path=PATH), "build", "-o", "server", "main.go"], check=True, timeout=200,
                       cwd=self.directory, env={**os.environ, "GO111MODULE": "off"})
        self.ended_well(self.upgrades_under_load(lambda version: f"""
listeners: {{http: tcp://127.0.0.1:0}}
apps: {{web: {{command: ./server, cwd: {self.directory}, workers: 2, env: {{VERSION: {version}}}}}}}
"""))


class WebSocket:
    """A client that has shaken hands."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 20.0 * SCALE)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        self.head = list(iter(lambda: self.file.readline().decode().strip(), ""))

    def ask(self, text):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text.encode()))
        self.socket.sendall(bytes([0x81, 0x80 | len(masked)]) + mask + masked)
        kind, size = self.file.read(2)
        assert kind == 0x81
        return self.file.read(size).decode()

    def close(self):
        self.file.close()
        self.socket.close()


@needs("node")
class Node(ServerCase):
    def config(self, version, workers=2, drain="20s"):
        return NODE.format(directory=self.directory, port=self.port, version=version, workers=workers, drain=drain)

    def express(self):
        """Where node finds express: Debian's, or npm's, which is fetched now."""
        def found(path):
            return subprocess.run(["node", "-e", "require('express')"], cwd=self.directory, check=False, timeout=60,
                                  env={**os.environ, "NODE_PATH": path}, capture_output=True).returncode == 0
        for path in (os.environ.get("NODE_PATH", ""), "/usr/share/nodejs"):
            if found(path):
                return path
        if not shutil.which("npm"):
            self.skipTest("express is not installed, and neither is npm")
        try:
            npm = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "express@4"],
                                 cwd=self.directory, check=False, timeout=60, capture_output=True)
        except subprocess.TimeoutExpired:
            self.skipTest("npm did not fetch express within 60 s")
        if npm.returncode != 0 or not found(""):
            self.skipTest("npm could not fetch express")
        return ""

    def test_express(self):
        path = self.express()
        self.write("server.js", EXPRESS.replace("PORT", str(self.port)))
        self.ended_well(self.upgrades_under_load(self.config, env={"NODE_PATH": path}))

    def test_a_websocket_stays_until_the_drain_timeout(self):
        self.write("server.js", WEBSOCKETS.replace("PORT", str(self.port)))
        web = self.liveswap(self.config("v1", workers=1, drain="4s"), timeout=60.0)
        hammer = self.hammer(web.address("http"))
        self.wait_version(hammer, "v1")
        client = WebSocket(self.port)
        self.addCleanup(client.close)
        self.assertIn("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", client.head)
        self.assertEqual(client.ask("hello"), "v1: hello")
        begun = time.monotonic()
        web.configure(self.config("v2", workers=1, drain="4s"))
        web.ctl("upgrade", status=0)
        self.wait_version(hammer, "v2")
        self.assertEqual(client.ask("still there?"), "v1: still there?")
        self.assertEqual(len(web.workers("draining")), 1)
        self.assertEqual(client.file.read(1), b"")
        self.assertGreaterEqual(time.monotonic() - begun, 4.0)
        second = WebSocket(self.port)
        self.addCleanup(second.close)
        self.assertEqual(second.ask("hello"), "v2: hello")
        self.nothing_failed(hammer)
        second.close()
        self.ended_well(web)
