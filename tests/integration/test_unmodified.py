"""Programs that know nothing of liveswap and bind their own ports (`protocol: bind`), upgraded under load.

The load of an HTTP program is all of LOADS at once: on new and on kept connections, with answers that come at once and
with some that take 0.7 s, so that several are always under way. Every old generation is killed by SIGKILL as soon as
the kernel says that it has no connection left and nobody waits at its sockets: so a drain that is not true loses
requests.
"""

import http.server
import os
import shutil
import subprocess
import threading
import time
import unittest

from harness import LONG, SCALE, net
from harness.load import LoadCase

PATH = "/usr/sbin:/usr/bin:/bin:" + os.environ.get("PATH", "")  # Debian's come first
UPGRADES = 10 if LONG else 3

# By name: the hammer's mode, how many clients, and more. A connection is idle in every pause after a slow answer; those
# with fast ones, whose question and answer the kernel's clock cannot tell apart, are once drain.idle is over.
LOADS = {
    "new": ("close", 10, ()),
    "new, 0.7 s": ("close", 4, ("--path", "/slow")),
    "kept": ("keep-alive", 4, ("--pause", "1300", "--again")),
    "kept, 0.7 s": ("keep-alive", 4, ("--path", "/slow", "--pause", "1300", "--again")),
}
# Clients that are never idle leave by what the program itself does, such as a limit of requests for each connection.
BUSY = {**LOADS, "kept, busy": ("keep-alive", 4, ("--again",))}
# For a backlog of 5: the kernel drops what does not fit, and clients try again after 1 and 3 s, upgrade or not.
GENTLE = {**LOADS, "new": ("close", 3, ()), "new, 0.7 s": ("close", 2, ("--path", "/slow"))}

CONFIG = """
apps:
  web:
    command: {command}
    protocol: bind
    cwd: {directory}
    workers: {workers}
    ready: {{timeout: 30s}}
    drain: {{signal: none, {drain}}}
    stop: {{{stop}}}
    env_file: {directory}/version
    env: {{PORT: {port}, PHP_CLI_SERVER_WORKERS: 12}}
"""

PYTHON = """
import http.server, os, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if "slow" in self.path: time.sleep(0.7)
        body = f"version={os.environ['VERSION']} pid={os.getpid()}\\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

ASYNCIO = """
import asyncio, os

async def answer(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            if b"slow" in head: await asyncio.sleep(0.7)
            body = f"version={os.environ['VERSION']} pid={os.getpid()}\\n".encode()
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
            await writer.drain()
            if b"Connection: close" in head: break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()

async def main():
    server = await asyncio.start_server(answer, ["127.0.0.1", "::1"], int(os.environ["PORT"]))
    await server.serve_forever()

asyncio.run(main())
"""

NODE = """
const http = require('http')
http.createServer((request, response) => {
  setTimeout(() => response.end(`version=${process.env.VERSION} pid=${process.pid}\\n`),
    request.url.includes('slow') ? 700 : 0)
}).listen(Number(process.env.PORT))
"""

GO = """
package main

import ("fmt"; "net/http"; "os"; "strings"; "time")

func main() {
    http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
        if strings.Contains(r.URL.Path, "slow") { time.Sleep(700 * time.Millisecond) }
        fmt.Fprintf(w, "version=%s pid=%d", os.Getenv("VERSION"), os.Getpid())
    })
    panic(http.ListenAndServe("127.0.0.1:" + os.Getenv("PORT"), nil))
}
"""

NGINX = """
daemon off; pid {directory}/{version}.pid; error_log stderr warn; worker_processes 2;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} {option};
    location / {{ return 200 "version={version} pid=$pid"; }}
    location /slow {{ proxy_pass http://127.0.0.1:{behind}/{version}; }}
  }}
}}
"""

APACHE = """
ServerRoot /usr/lib/apache2
PidFile {directory}/{version}.pid
ServerName localhost
Listen 127.0.0.1:{port}
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule mime_module modules/mod_mime.so
LoadModule dir_module modules/mod_dir.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
ProxyPass /slow http://127.0.0.1:{behind}/{version}
TypesConfig /dev/null
ErrorLog /dev/stderr
LogLevel error
DocumentRoot {directory}/{version}
DirectoryIndex index.html
"""

LIGHTTPD = """
server.document-root = "{directory}/{version}"
server.bind = "127.0.0.1"
server.port = {port}
index-file.names = ("index.html")
server.modules = ("mod_proxy")
$HTTP["url"] =^ "/slow" {{
  proxy.server = ("" => (("host" => "127.0.0.1", "port" => {behind})))
  proxy.header = ("map-urlpath" => ("/slow" => "/{version}"))
}}
"""

HAPROXY = """
global
  maxconn 200
defaults
  mode http
  timeout client 20s
  timeout connect 20s
  timeout server 20s
frontend web
  bind "127.0.0.1:{port}"
  use_backend slow if {{ path /slow }}
  default_backend fast
backend fast
  http-request return status 200 content-type text/plain lf-string "version={version} pid=%pid\\n"
backend slow
  http-request set-path /{version}
  server behind 127.0.0.1:{behind}
"""

PHP = """<?php
if (str_contains($_SERVER["REQUEST_URI"], "slow")) { usleep(700000); }
$body = "version=" . getenv("VERSION") . " pid=" . getmypid();
header("Content-Length: " . strlen($body));
echo $body;
"""

WEBRICK = """
require "webrick"
server = WEBrick::HTTPServer.new(Port: ENV["PORT"].to_i, BindAddress: "127.0.0.1", AccessLog: [],
                                 Logger: WEBrick::Log.new(File::NULL))
server.mount_proc("/") do |request, response|
  sleep 0.7 if request.path.include?("slow")
  response.body = "version=#{ENV["VERSION"]} pid=#{Process.pid}\\n"
end
server.start
"""

RACKUP = """
run lambda { |env|
  sleep 0.7 if env["PATH_INFO"].include?("slow")
  body = "version=#{ENV["VERSION"]} pid=#{Process.pid}\\n"
  [200, {"content-type" => "text/plain", "content-length" => body.size.to_s}, [body]]
}
"""

JAVA_SERVER = """
import com.sun.net.httpserver.*;
import java.net.*;
import java.util.concurrent.Executors;
public class Server {
  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(
        new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 100);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/", exchange -> {
      try { if (exchange.getRequestURI().getPath().contains("slow")) Thread.sleep(700); }
      catch (InterruptedException e) {}
      byte[] body = ("version=" + System.getenv("VERSION") + " pid=" + ProcessHandle.current().pid()).getBytes();
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
  }
}
"""

JAVA_LOOP = """
import java.io.*;
import java.net.*;
public class Server {
  public static void main(String[] arguments) throws Exception {
    ServerSocket listener = new ServerSocket();
    listener.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 100);
    while (true) {
      Socket client = listener.accept();
      new Thread(() -> serve(client)).start();
    }
  }
  static void serve(Socket client) {
    try (client) {
      BufferedReader in = new BufferedReader(new InputStreamReader(client.getInputStream()));
      while (true) {
        String first = in.readLine();
        if (first == null) return;
        boolean close = false;
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine())
          close |= line.equalsIgnoreCase("Connection: close");
        if (first.contains("slow")) Thread.sleep(700);
        String body = "version=" + System.getenv("VERSION") + " pid=" + ProcessHandle.current().pid();
        client.getOutputStream().write(("HTTP/1.1 200 OK\\r\\nContent-Length: " + body.length() + "\\r\\n\\r\\n" + body)
            .getBytes());
        if (close) return;
      }
    } catch (IOException | InterruptedException e) {}
  }
}
"""


def needs(program):
    return unittest.skipUnless(shutil.which(program, path=PATH), f"{program} is not installed")


class SlowServer(http.server.BaseHTTPRequestHandler):
    """What proxies and file servers have behind them for answers that take 0.7 s: they tell it their version."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(0.7)  # as a program that computes
        self.send_response(200)
        body = f"version={self.path.strip('/')} pid=1\n".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Unmodified(LoadCase):
    def setUp(self):
        super().setUp()
        self.port = net.free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"

    def upgraded(self, command, workers=1, prepare=None, loads=LOADS, drain="timeout: infinity, idle: 1s",
                 stop="signal: KILL"):
        """A program whose command may name its version by VERSION, and its port by PORT."""
        def config(version):
            self.write("version", f"VERSION={version}\n")
            if prepare:
                prepare(version)
            words = [word.replace("VERSION", version).replace("PORT", str(self.port)) for word in command]
            return CONFIG.format(command=words, directory=self.directory, port=self.port, workers=workers,
                                 drain=drain, stop=stop)
        web = self.liveswap(config("v1"), timeout=60.0, env={"PATH": PATH})
        hammers = {name: self.hammer(self.address, mode, connections, (*options, "--live", "100"))
                   for name, (mode, connections, options) in loads.items()}
        for version in range(1, UPGRADES + 2):
            if version > 1:
                web.configure(config(f"v{version}"))
                web.ctl("upgrade", status=0)
            for hammer in hammers.values():
                self.wait_version(hammer, f"v{version}")
        # The last old one has been killed, too; none had a time limit.
        web.wait_app(lambda app: len(app["workers"]) == workers, 60.0 * SCALE)
        for name, hammer in hammers.items():
            result = self.nothing_failed(hammer, at_least=UPGRADES)
            self.told(name, result)
            # The end of a kept connection may cross a request, which clients make again: rarely, on a busy machine.
            self.assertLessEqual(result["repeated"], 2 + UPGRADES * 4 / 2, result)
        self.assertEqual([row["handoff"] for row in web.status()["listeners"]][0], "steered")
        self.ended_well(web)

    def told(self, load, result):
        print(f"# {load}: {result['successes']} requests, {result['failed']} failed, {result['repeated']} made again, "
              f"longest gap {result['longest_gap_ms']} ms", flush=True)

    def behind(self):
        """The port of a SlowServer."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowServer)
        server.handle_error = lambda *_: None  # it is left when the programs are killed
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def test_python_http_server(self):
        self.write("server.py", PYTHON)
        self.upgraded(["python3", "server.py"], loads=GENTLE)

    def test_python_http_server_with_two_workers(self):
        self.write("server.py", PYTHON)
        self.upgraded(["python3", "server.py"], workers=2, loads=GENTLE)

    def test_python_asyncio_with_two_listeners(self):
        self.write("server.py", ASYNCIO)
        self.upgraded(["python3", "server.py"])

    @needs("node")
    def test_node(self):
        self.write("server.js", NODE)
        self.upgraded(["node", "server.js"])

    @needs("go")
    def test_go_static(self):
        self.write("main.go", GO)
        subprocess.run([shutil.which("go", path=PATH), "build", "-o", "server", "main.go"], check=True, timeout=200,
                       cwd=self.directory, env={**os.environ, "GO111MODULE": "off", "CGO_ENABLED": "0"})
        self.upgraded(["./server"])

    def nginx(self, option):
        behind = self.behind()

        def prepare(version):
            self.write(f"{version}.conf", NGINX.format(directory=self.directory, port=self.port, option=option,
                                                       version=version, behind=behind))
        self.upgraded(["nginx", "-c", f"{self.directory}/VERSION.conf"], prepare=prepare, loads=BUSY)

    @needs("nginx")
    def test_nginx(self):
        self.nginx("")

    @needs("nginx")
    def test_nginx_with_a_socket_for_each_of_its_workers(self):
        self.nginx("reuseport")

    def page(self, version):
        self.write(f"{version}/index.html", f"version={version} pid=1\n")

    @needs("apache2")
    def test_apache(self):
        behind = self.behind()

        def prepare(version):
            self.page(version)
            self.write(f"{version}.conf", APACHE.format(directory=self.directory, port=self.port, version=version,
                                                        behind=behind))
        self.upgraded(["apache2", "-D", "FOREGROUND", "-f", f"{self.directory}/VERSION.conf"], prepare=prepare,
                      loads=BUSY)

    @needs("lighttpd")
    def test_lighttpd(self):
        behind = self.behind()

        def prepare(version):
            self.page(version)
            self.write(f"{version}.conf", LIGHTTPD.format(directory=self.directory, port=self.port,
                                                          version=version, behind=behind))
        self.upgraded(["lighttpd", "-D", "-f", f"{self.directory}/VERSION.conf"], prepare=prepare, loads=BUSY)

    @needs("haproxy")
    def test_haproxy(self):
        behind = self.behind()

        def prepare(version):
            self.write(f"{version}.cfg", HAPROXY.format(port=self.port, version=version, behind=behind))
        self.upgraded(["haproxy", "-db", "-f", f"{self.directory}/VERSION.cfg"], prepare=prepare)

    @needs("haproxy")
    def test_haproxy_whose_clients_are_never_idle(self):
        text = HAPROXY.replace("  mode http\n", "  mode http\n  option idle-close-on-response\n")

        def prepare(version):
            self.write(f"{version}.cfg", text.format(port=self.port, version=version, behind=1))
        self.upgraded(["haproxy", "-db", "-f", f"{self.directory}/VERSION.cfg"], prepare=prepare,
                      loads={name: BUSY[name] for name in ("new", "kept, busy")},
                      drain="timeout: 1s", stop="signal: USR1, timeout: 60s")

    @needs("php")
    def test_php(self):
        self.write("index.php", PHP)
        self.upgraded(["php", "-q", "-S", "127.0.0.1:PORT", "index.php"])

    @needs("ruby")
    def test_webrick(self):
        self.write("server.rb", WEBRICK)
        if subprocess.run(["ruby", "-e", "require 'webrick'"], check=False, capture_output=True).returncode != 0:
            self.skipTest("webrick is not installed")
        self.upgraded(["ruby", "server.rb"])

    @needs("puma")
    def test_puma(self):
        self.write("config.ru", RACKUP)
        self.upgraded(["puma", "-q", "-b", "tcp://127.0.0.1:PORT", "-t", "16:16", "config.ru"])

    def java(self, program):
        self.write("Server.java", program)
        subprocess.run(["javac", "Server.java"], check=True, timeout=200, cwd=self.directory)
        self.upgraded(["java", "-XX:+UseSerialGC", "-Xmx64m", "-cp", str(self.directory), "Server"])

    @needs("javac")
    def test_java_http_server(self):
        self.java(JAVA_SERVER)

    @needs("javac")
    def test_java_server_socket(self):
        self.java(JAVA_LOOP)
