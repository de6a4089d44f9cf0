"""-p, -a: the namesake's control port. JSON lines over TCP, for who may control the master and for nobody else."""

import json
import os
import shutil
import socket
import subprocess
import unittest

from harness import TestCase, build

NOBODY = 65534

# What another user says, and hears until the end.
ASK = """exec 3<>"/dev/tcp/$0/$1"; printf '%s\\n' '{"cmd":"die"}' >&3; cat <&3 2>/dev/null; true"""


class Client:
    """The namesake's client: a line for each request, a line for each answer."""

    def __init__(self, address, family=socket.AF_INET):
        self.sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.sock.settimeout(60)
        self.sock.connect(address)
        self.lines = self.sock.makefile("r", encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.sock.close()

    def send(self, **request):
        self.sock.sendall(json.dumps(request).encode() + b"\n")

    def receive(self):
        return json.loads(self.lines.readline())

    def ask(self, **request):
        self.send(**request)
        return self.receive()

    def closed(self):
        """Whether nothing comes any more, and nothing came."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True


class TcpControl(TestCase):
    def start(self, *arguments, port="0"):
        self.directory.chmod(0o755)
        self.program = self.directory / "a"
        shutil.copy(build.program("http_worker"), self.program)
        shutil.copy(build.program("http_worker"), self.directory / "b")
        web = self.liveswap(None, cwd=self.directory, args=["-s", str(self.program), "-l", "http=tcp://127.0.0.1:0",
                                                            "-p", port, *arguments])
        line = web.process.wait_line(r"control by TCP on \[?([^ \]]+)\]?:(\d+)$", 20.0)
        self.address = (line[1], int(line[2]))
        return web

    def client(self):
        return Client(self.address, socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET)

    def refused(self, web, sent, pattern):
        """What is no request is answered by closing, told in the log, and changes nothing."""
        before = web.workers()
        with self.client() as client:
            client.sock.sendall(sent)
            self.assertTrue(client.closed())
        web.process.wait_line(pattern, 20.0)
        self.assertEqual(web.workers(), before)

    def test_an_upgrade_is_answered_when_it_is_done(self):
        web = self.start()
        with self.client() as client:
            self.assertEqual(client.ask(cmd="upgrade", value="./b"), {"cmd": "upgrade", "value": "OK"})
            app = web.app()
            self.assertEqual((app["release"], app["target"], app["workers_ready"]), (2, str(self.directory / "b"), 2))
            self.assertEqual(client.ask(cmd="upgrade"), {"cmd": "upgrade", "value": "OK"})
            self.assertEqual(web.app()["release"], 3)
        self.ended_well(web)

    def test_an_upgrade_that_fails_says_why_and_changes_nothing(self):
        web = self.start()
        before = web.workers()
        with self.client() as client:
            answer = client.ask(cmd="upgrade", value="./nothing")
        self.assertEqual(answer["cmd"], "upgrade")
        self.assertTrue(answer["value"].startswith("release_refused: "), answer)
        self.assertIn("No such file or directory", answer["value"])
        self.assertEqual(web.workers(), before)
        self.ended_well(web)

    def test_kill_replaces_the_workers_and_die_ends_the_master(self):
        web = self.start()
        before = {worker["pid"] for worker in web.workers("ready")}
        with self.client() as client:
            self.assertEqual(client.ask(cmd="kill"), {"cmd": "kill", "value": "OK"})
            after = {worker["pid"] for worker in web.workers("ready")}
            self.assertEqual((len(after), after & before), (2, set()))
            self.assertEqual(client.ask(cmd="die", value=None), {"cmd": "die", "value": "OK"})
        self.assertEqual(web.process.wait(20.0), 0)
        self.assert_nothing_left()

    def test_a_message_that_nobody_can_be_told_is_an_error(self):
        web = self.start()
        with self.client() as client:
            self.assertIn("told none of 2 workers", client.ask(cmd="message", value="hello")["value"])
        self.ended_well(web)

    def test_answers_go_to_who_asked_and_in_the_order_of_asking(self):
        web = self.start()
        with self.client() as bystander, self.client() as client:
            client.sock.sendall(b'{"cmd":"upgrade"}\n{"cmd":"message","value":"x"}\n{"cmd":"upgrade","value":"./b"}\n')
            self.assertEqual([client.receive()["cmd"] for _ in range(3)], ["upgrade", "message", "upgrade"])
            bystander.sock.setblocking(False)
            with self.assertRaises(BlockingIOError):
                bystander.sock.recv(1)
        self.ended_well(web)

    def test_it_works_over_ipv6_loopback(self):
        web = self.start("-a", "::1")
        with self.client() as client:
            self.assertEqual(client.ask(cmd="upgrade")["value"], "OK")
        self.ended_well(web)

    def test_a_web_page_s_request_is_closed_unread(self):
        web = self.start()
        self.refused(web, b'POST / HTTP/1.1\r\nHost: localhost\r\n\r\n{"cmd":"die"}\n',
                     "it began with what is no request")
        self.ended_well(web)

    def test_what_is_no_json_is_closed_and_told(self):
        web = self.start()
        self.refused(web, b'{"cmd":"die"\n', "it sent a line that is no JSON object")
        self.ended_well(web)

    def test_what_has_no_command_is_closed_and_told(self):
        web = self.start()
        self.refused(web, b'{"value":"x"}\n', "it sent a line that is none of the commands")
        self.ended_well(web)

    def test_a_line_that_is_too_long_is_closed_and_told(self):
        web = self.start()
        self.refused(web, b'{"cmd":"upgrade","value":"' + b"x" * 70000 + b'"}\n', "a line of more than 65536 bytes")
        self.ended_well(web)

    def test_a_command_that_is_unknown_is_answered_and_closed(self):
        web = self.start()
        with self.client() as client:
            self.assertIn("none of the commands", client.ask(cmd="reboot")["value"])
            self.assertTrue(client.closed())
        self.ended_well(web)

    def test_who_has_closed_his_side_is_not_believed(self):
        web = self.start("--pre-upgrade", str(self.script("hook.sh", "echo waiting; mkfifo gate; read line < gate\n")))
        before = web.workers()
        with self.client() as client:
            client.sock.sendall(b'{"cmd":"upgrade"}\n{"cmd":"kill"}\n')
            web.process.wait_line(r"default hook \| waiting", 20.0, stream="out")
            client.sock.shutdown(socket.SHUT_WR)
            (self.directory / "gate").write_text("no\n")
            self.assertEqual(client.receive()["cmd"], "upgrade")
            self.assertTrue(client.closed())
        web.process.wait_line("is not believed any more: its socket is closed, or closing", 20.0)
        self.assertEqual(len(before), 2)
        self.assertEqual([worker["generation"] for worker in web.workers("ready")], [2, 2])
        self.assertEqual([worker["restarts"] for worker in web.workers("ready")], [0, 0])
        self.ended_well(web)

    def test_there_is_a_limit_of_clients(self):
        web = self.start()
        clients = [self.client() for _ in range(16)]
        try:
            with self.client() as one_more:
                self.assertTrue(one_more.closed())
            web.process.wait_line("16 clients are connected", 20.0)
            self.assertEqual(clients[0].ask(cmd="upgrade")["value"], "OK")
        finally:
            for client in clients:
                client.__exit__()
        self.ended_well(web)

    def test_without_the_option_there_is_no_port(self):
        shutil.copy(build.program("http_worker"), self.directory / "a")
        web = self.liveswap(None, args=["-s", str(self.directory / "a"), "-l", "http=tcp://127.0.0.1:0"])
        self.assertNotIn("control by TCP", web.process.tail())
        self.ended_well(web)

    def test_other_addresses_are_wrong_usage(self):
        for address in ("0.0.0.0", "192.0.2.1", "::", "example.org"):
            master = self.liveswap(None, start=False,
                                   args=["-s", "/bin/true", "-l", "tcp://127.0.0.1:0", "-a", address])
            master.launch()
            self.assertEqual(master.process.wait(20.0), 2)
            self.assertIn(f"-a {address}: ", master.said())

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be somebody else")
    def test_another_user_is_closed_without_an_answer(self):
        web = self.start()
        before = web.workers()
        ended = subprocess.run(["bash", "-c", ASK, self.address[0], str(self.address[1])], user=NOBODY, group=NOBODY,
                               extra_groups=[], capture_output=True, text=True, timeout=60, check=False, cwd="/")
        self.assertEqual((ended.returncode, ended.stdout), (0, ""), ended.stderr)
        web.process.wait_line(rf"refused 127\.0\.0\.1:\d+ on .*: uid {NOBODY} is listed at no level", 20.0)
        self.assertEqual(web.workers(), before)
        self.ended_well(web)
