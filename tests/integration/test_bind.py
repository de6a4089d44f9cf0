"""`protocol: bind`: what a program that binds by itself gets, and what it does not."""

import os
import pwd
import signal
import socket
import threading

from harness import SCALE, TestCase, net, processes

SERVER = """
import os, socket, sys, threading
kind = sys.argv[1]
name = os.environ["VERSION"].encode() + b" " + str(os.getpid()).encode()
if kind == "udp":
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((sys.argv[2], int(sys.argv[3])))
    while True:
        data, peer = sock.recvfrom(100)
        sock.sendto(name, peer)
if kind == "unix":
    sock = socket.socket(socket.AF_UNIX)
    try: os.unlink(sys.argv[2])
    except FileNotFoundError: pass
    address = sys.argv[2]
else:
    family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, 262 if "mptcp" in sys.argv else 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    address = (sys.argv[2], int(sys.argv[3]))
def listen():
    sock.bind(address)
    sock.listen(128)
if "thread" in sys.argv:
    thread = threading.Thread(target=listen); thread.start(); thread.join()
else:
    listen()
if "fork" in sys.argv and os.fork() > 0:
    os.wait()
    sys.exit(1)
while True:
    client, _ = sock.accept()
    client.sendall(name)
    client.close()
"""

COMMON = """
import array, ctypes, os, socket, sys, threading, time
libc = ctypes.CDLL(None)
def listening(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(128)
    return sock
"""

# Its clients stay connected; one that says something lets it shut its listening socket down, and listen again.
ABOUT_TO_LEAVE = COMMON + """
listener = listening({port})
def serve(client):
    client.sendall(os.environ["VERSION"].encode() + b" ")
    if client.recv(100):
        listener.shutdown(socket.SHUT_RDWR)
        listener.listen(128)
        client.sendall(b"done")
        client.recv(100)
    client.close()
while True:
    try:
        client = listener.accept()[0]
    except OSError:
        continue  # between the two calls
    threading.Thread(target=serve, args=(client,), daemon=True).start()
"""

# A connection lies for a second where no process has a descriptor of it.
PASSES_ON = COMMON + """
listener = listening({port})
near, far = socket.socketpair()
while True:
    client = listener.accept()[0]
    client.sendall(b"on its way")
    near.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [client.fileno()]))])
    client.close()
    time.sleep(1)
    sent = array.array("i", far.recvmsg(1, socket.CMSG_SPACE(4))[1][0][2])
    with socket.socket(fileno=sent[0]) as client:
        client.sendall(b"arrived")
"""

BINDS_ON = COMMON + """
many = [socket.socket() for _ in range(4000)]
listener = listening({port})
def bind_on():
    while True:
        listening({port}).close()
for _ in range(3):
    threading.Thread(target=bind_on, daemon=True).start()
while True:
    listener.accept()[0].close()
"""

# capset(2) of version 3: none at all.
WITHOUT_CAPABILITIES = COMMON + """
header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert libc.capset(header, none) == 0
listening(int(sys.argv[3])).accept()
"""

IN_OTHER_MOUNTS = COMMON + """
CLONE_NEWNS, MS_PRIVATE, MS_REC = 0x20000, 1 << 18, 1 << 14
found = "refused"
if libc.unshare(CLONE_NEWNS) == 0 and libc.mount(b"none", b"/", None, MS_PRIVATE | MS_REC, None) == 0 and \
        libc.mount(b"none", b"{directory}/own", b"tmpfs", 0, None) == 0:
    path = socket.socket(socket.AF_UNIX)
    path.bind("{directory}/own/x.sock")
    path.listen()
    found = str(os.listdir("{directory}/own"))
listener = listening(int(sys.argv[3]))
while True:
    listener.accept()[0].sendall(found.encode())
"""

CONFIG = """
{listeners}
apps:
  web:
    command: [python3, server.py, {words}]
    protocol: bind
    cwd: {directory}
    drain: {{signal: none, timeout: 20s}}
    env: {{VERSION: {version}}}
{more}
"""


class BindCase(TestCase):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        self.write("server.py", SERVER)
        self.port = net.free_port()

    def config(self, *words, version="v1", listeners="", more=""):
        return CONFIG.format(words=", ".join(f'"{word}"' for word in words), version=version, directory=self.directory,
                             listeners=f"listeners: {listeners}" if listeners else "", more=more)

    def ask(self, port=None, host="127.0.0.1"):
        with socket.create_connection((host, port or self.port), 10.0 * SCALE) as client:
            return client.recv(100).decode().split()[0]


class Bind(BindCase):
    def upgraded(self, ask, *words, **options):
        """The program asked before and after an upgrade; the old one has gone then."""
        web = self.liveswap(self.config(*words, **options))
        self.assertEqual(ask(), "v1")
        web.configure(self.config(*words, version="v2", **options))
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertEqual(ask(), "v2")
        self.assertEqual(len(web.workers()), 1)
        return web

    def listener(self, web):
        return web.status()["listeners"][0]

    def test_an_address_that_no_file_names_is_found(self):
        web = self.upgraded(self.ask, "tcp", "127.0.0.1", self.port)
        row = self.listener(web)
        self.assertEqual((row["name"], row["handoff"]), (f"web-{self.port}", "steered"))
        self.ended_well(web)

    def test_a_thread_that_binds_and_a_fork_that_serves(self):
        web = self.upgraded(self.ask, "tcp", "127.0.0.1", self.port, "thread", "fork")
        self.ended_well(web)

    def test_an_mptcp_listener_as_of_newer_gos(self):
        try:
            socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).close()
        except OSError:
            self.skipTest("this kernel has no MPTCP")
        web = self.upgraded(self.ask, "tcp", "127.0.0.1", self.port, "mptcp")
        self.ended_well(web)

    def test_a_dual_stack_listener_serves_both_families(self):
        if not socket.has_dualstack_ipv6():
            self.skipTest("this machine has no IPv6")
        web = self.upgraded(self.ask, "tcp", "::", self.port)
        self.assertEqual(self.ask(host="::1"), "v2")
        self.ended_well(web)

    def test_datagram_sockets(self):
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            first = int(file.read().split()[0])
        port = next(port for port in range(first - 1, 1024, -1) if self.is_free(port))

        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(10.0 * SCALE)
                client.connect(("127.0.0.1", port))
                client.send(b"?")
                return client.recv(100).decode().split()[0]
        web = self.upgraded(ask, "udp", "127.0.0.1", port)
        self.ended_well(web)

    def is_free(self, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind(("127.0.0.1", port))
                return True
            except OSError:
                return False

    def test_match_gives_a_program_another_address_than_it_asks_for(self):
        listeners = f'{{http: {{address: "tcp://127.0.0.1:0", match: ["tcp://127.0.0.1:{self.port}"]}}}}'
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port, listeners=listeners))
        real = net.parse(web.address("http"))[2][1]
        self.assertNotEqual(real, self.port)
        self.assertEqual(self.ask(real), "v1")
        with self.assertRaises(ConnectionRefusedError):
            self.ask()
        self.ended_well(web)

    def test_clients_that_come_early_wait_for_a_configured_listener(self):
        listeners = f'{{http: "tcp://127.0.0.1:{self.port}"}}'
        gate = self.directory / "gate"
        os.mkfifo(gate)
        self.script("late", f'read go < {gate}; exec python3 server.py "$@"\n')
        text = self.config("tcp", "127.0.0.1", self.port, listeners=listeners).replace("python3, server.py", "./late")
        web = self.liveswap(text, start=False)
        web.launch()
        self.wait_until(web.control.exists)
        answers = []
        client = threading.Thread(target=lambda: answers.append(self.ask()))
        client.start()
        gate.write_text("go\n", encoding="ascii")
        client.join()
        self.assertEqual(answers, ["v1"])
        web.wait_notified("READY", "1")
        self.ended_well(web)

    def test_what_waits_at_a_program_that_dies_is_served_by_the_next_one(self):
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port))
        worker = web.workers("ready")[0]["pid"]
        os.kill(worker, signal.SIGSTOP)
        self.wait_until(lambda: processes.stat(worker).state == "T")
        waiting = [socket.create_connection(("127.0.0.1", self.port), 20.0 * SCALE) for _ in range(20)]
        os.kill(worker, signal.SIGKILL)
        for client in waiting:
            with client:
                self.assertTrue(client.recv(100).startswith(b"v1 "))
        self.ended_well(web)

    def test_another_apps_address_is_in_use(self):
        more = CONFIG.format(listeners="", words=f'tcp, 127.0.0.1, "{self.port}"', version="other",
                             directory=self.directory, more="").replace("  web:", "  api:").replace("apps:\n", "")
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port, more=more), start=False)
        web.launch()
        self.assertEqual(web.process.wait(60.0), 1)
        self.assertIn("Address already in use", web.said())

    def test_an_upgrade_that_cannot_bind_leaves_the_old_program_serving(self):
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            web.configure(self.config("tcp", "127.0.0.1", taken.getsockname()[1], version="v2"))
            result = web.ctl("upgrade", status=1)
        self.assertIn("Address already in use", result.err + result.out)
        self.assertEqual(self.ask(), "v1")
        self.ended_well(web)

    def test_the_old_program_shuts_its_socket_down_and_listens_again(self):
        self.write("server.py", ABOUT_TO_LEAVE.replace("{port}", str(self.port)))
        web = self.liveswap(self.config())
        with socket.create_connection(("127.0.0.1", self.port), 10.0 * SCALE) as kept:
            self.assertEqual(kept.recv(100), b"v1 ")
            web.configure(self.config(version="v2"))
            web.ctl("upgrade", status=0)
            kept.sendall(b"again")
            self.assertEqual(kept.recv(100), b"done")
            self.assertEqual({self.ask() for _ in range(10)}, {"v2"})
            web.configure(self.config(version="v3"))
            web.ctl("upgrade", status=0)
            self.assertEqual({self.ask() for _ in range(10)}, {"v3"})
        self.ended_well(web)

    def test_a_connection_on_its_way_to_another_process_is_open(self):
        self.write("server.py", PASSES_ON.replace("{port}", str(self.port)))
        web = self.liveswap(self.config())
        with socket.create_connection(("127.0.0.1", self.port), 20.0 * SCALE) as kept:
            self.assertEqual(kept.recv(100), b"on its way")
            web.ctl("upgrade", status=0)
            self.assertEqual(kept.recv(100), b"arrived")
        self.ended_well(web)

    def test_the_master_answers_while_a_program_binds_on_and_on(self):
        self.write("server.py", BINDS_ON.replace("{port}", str(self.port)))
        web = self.liveswap(self.config())
        for _ in range(5):
            web.ctl("ping", status=0)
        self.assertEqual(web.stop(20.0 * SCALE), 0)

    def test_liveswap_s_runs_a_server_in_any_language(self):
        port = self.port
        first = self.script("one", f"export VERSION=v1; cd {self.directory}; "
                                   f"exec python3 server.py tcp 127.0.0.1 {port}\n")
        second = self.script("two", f"export VERSION=v2; cd {self.directory}; "
                                    f"exec python3 server.py tcp 127.0.0.1 {port}\n")
        web = self.liveswap(None, args=["-s", str(first)])
        self.assertEqual(web.app()["protocol"], "bind")
        self.assertEqual(self.ask(), "v1")
        web.ctl("upgrade", "--target", second, status=0)
        self.assertEqual(self.ask(), "v2")
        self.ended_well(web)


class Adopt(BindCase):
    def running(self, *words, version="old"):
        """The server as somebody has started it, without liveswap."""
        server = self.run_process("python3", "server.py", *map(str, words), cwd=self.directory,
                                  env=self.environment(VERSION=version), name="the server")

        def serves():
            try:
                return self.ask() == version
            except OSError:
                return False
        self.wait_until(serves)
        return server

    def retrying(self):
        """A master whose app cannot start, since the server has its port."""
        web = self.liveswap("start: {on_failure: retry}\n" + self.config("tcp", "127.0.0.1", self.port), start=False)
        web.launch()
        self.wait_until(web.control.exists)
        web.wait_app(lambda app: any(worker["state"] == "backoff" for worker in app["workers"]))
        return web

    def test_a_server_that_runs_is_taken_over_and_upgraded(self):
        server = self.running("tcp", "127.0.0.1", self.port)
        web = self.retrying()
        failed = []
        answers = set()
        stop = threading.Event()

        def ask_on():
            while not stop.is_set():
                try:
                    answers.add(self.ask())
                except (OSError, IndexError) as error:
                    failed.append(repr(error))
        asker = threading.Thread(target=ask_on)
        asker.start()
        web.ctl("adopt", "web", "--pid", server.pid, status=0)
        self.assertEqual([worker["pid"] for worker in web.workers("ready")], [server.pid])
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertEqual(self.ask(), "v1")
        stop.set()
        asker.join()
        self.assertEqual(failed, [])
        self.assertEqual(answers, {"old", "v1"})
        server.wait()
        self.ended_well(web)

    def test_a_stopped_app_adopts_too(self):
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port))
        web.ctl("stop", status=0)
        server = self.running("tcp", "127.0.0.1", self.port, "fork")
        web.ctl("adopt", "--pid", server.pid, status=0)
        self.assertEqual(self.ask(), "old")
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertEqual(self.ask(), "v1")
        self.ended_well(web)

    def test_what_cannot_be_adopted(self):
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port))
        result = web.ctl("adopt", "--pid", web.workers("ready")[0]["pid"], status=1)
        self.assertIn("a worker of it already", result.err)
        idle = self.run_process("sleep", "1000")
        self.assertIn("listen on a TCP port", web.ctl("adopt", "--pid", idle.pid, status=1).err)
        self.assertIn("--pid is needed", web.ctl("adopt", status=2).err)
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            result = web.ctl("adopt", "--pid", os.getpid(), status=1)
            self.assertIn("already_running", result.err)
        self.assertEqual(self.ask(), "v1")
        idle.signal(signal.SIGKILL)
        idle.wait()
        self.ended_well(web)


class Rights(BindCase):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can run programs as another user")
        self.directory.chmod(0o755)
        (self.directory / "server.py").chmod(0o644)

    def nobody(self, *words, listeners="", more=""):
        return self.config(*words, listeners=listeners, more="    user: nobody\n" + more)

    def low_port(self):
        for port in range(1023, 600, -1):
            with socket.socket() as sock:
                try:
                    sock.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
        self.skipTest("no low port is free")

    def test_a_low_port_is_not_roots_who_has_given_the_right_up(self):
        self.write("server.py", WITHOUT_CAPABILITIES)
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.low_port()), start=False)
        web.launch()
        self.assertEqual(web.process.wait(60.0), 1)
        self.assertIn("Permission denied", web.said())

    def test_a_path_in_a_mount_namespace_of_its_own_is_the_programs(self):
        (self.directory / "own").mkdir()
        self.write("server.py", IN_OTHER_MOUNTS.replace("{directory}", str(self.directory)))
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port))
        with socket.create_connection(("127.0.0.1", self.port), 10.0 * SCALE) as client:
            found = client.recv(100).decode()
        if found == "refused":
            self.skipTest("no mount namespace can be made here")
        self.assertEqual(found, "['x.sock']")
        self.assertEqual(os.listdir(self.directory / "own"), [])
        self.ended_well(web)

    def test_a_low_port_is_not_a_users(self):
        web = self.liveswap(self.nobody("tcp", "127.0.0.1", self.low_port()), start=False)
        web.launch()
        self.assertEqual(web.process.wait(60.0), 1)
        self.assertIn("Permission denied", web.said())

    def test_a_low_port_that_allow_bind_or_a_listener_has_is(self):
        self.assertNotEqual(pwd.getpwnam("nobody").pw_uid, 0)
        port = self.low_port()
        allowed = self.nobody("tcp", "127.0.0.1", port, more=f'    allow_bind: "tcp://127.0.0.1:{port}"\n')
        listed = self.nobody("tcp", "127.0.0.1", port, listeners=f'{{http: "tcp://127.0.0.1:{port}"}}')
        for text in (allowed, listed):
            web = self.liveswap(text)
            self.assertEqual(self.ask(port), "v1")
            web.configure(text.replace("VERSION: v1", "VERSION: v2"))
            web.ctl("upgrade", status=0)
            self.assertEqual(self.ask(port), "v2")
            self.ended_well(web)
