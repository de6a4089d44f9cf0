"""The control socket, driven by a Varlink client that is not ours, and by bare bytes."""

import json
import os
import re
import shutil
import socket
import subprocess
import unittest

from harness import TestCase, build

GOPATH = "/usr/share/gocode"
CLIENT = build.SOURCE / "tests/integration/varlink_client/main.go"
MANUAL = build.SOURCE / "man/liveswap-control.7"


def config(workers=2):
    return f"""
listeners:
  http: tcp://127.0.0.1:0
apps:
  web:
    command: [{build.program('http_worker')}]
    workers: {workers}
"""


class Varlink(TestCase):
    timeout_s = 300

    @unittest.skipUnless(shutil.which("go") and os.path.isdir(GOPATH + "/src/github.com/varlink/go"),
                         "needs golang-go and golang-github-varlink-go-dev")
    def test_a_client_that_is_not_ours_sees_upgrades_it_and_is_told_why_it_fails(self):
        program = self.directory / "varlink_client"
        environment = {**os.environ, "GO111MODULE": "off", "GOPATH": GOPATH, "GOFLAGS": "", "CGO_ENABLED": "0",
                       "GOCACHE": str(self.directory / "go-cache"), "HOME": str(self.directory)}
        built = subprocess.run(["go", "build", "-o", program, CLIENT], env=environment, capture_output=True, text=True,
                               check=False)
        self.assertEqual(built.returncode, 0, built.stderr)
        master = self.liveswap(config())
        client = self.run_process(program, master.control)
        self.assertEqual(client.wait(60), 0, client.tail())
        client.finish_output()
        lines = client.out.text().splitlines()
        events = {line.removeprefix("event ") for line in lines if line.startswith("event ")}
        self.assertLessEqual({"rollout_started", "worker_ready", "rollout_done", "rollout_rolled_back"}, events)
        self.assertEqual([line for line in lines if not line.startswith("event ")], [
            "liveswap liveswap: org.varlink.service org.liveswap.Control",
            "org.varlink.service: 2 methods, 6 errors",
            "org.liveswap.Control: 26 methods, 7 errors",
            "web is running with 2",
            "done: r2, 2 serving",
            "org.liveswap.Control.Failed: exec_failed, "
            "next: check command, cwd and permissions, then: liveswapctl upgrade",
            "web is running with 2",
            "no method org.liveswap.Control.Reload"])
        self.ended_well(master)

    def test_the_session_of_the_manual_page_works_as_it_stands(self):
        example = re.search(r"^\.\\\" example: session\n\.Bd.*?\n(.*?)^\.Ed", MANUAL.read_text(encoding="utf-8"),
                            re.DOTALL | re.MULTILINE)
        self.assertTrue(example, "the page has no session")
        script = example.group(1).replace("\\e", "\\").replace("\\&", "")
        master = self.liveswap(config())
        self.assertIn("/run/liveswap/web/control.sock", script)
        script = script.replace("/run/liveswap/web/control.sock", str(master.control))
        client = self.run_process("python3", "-c", script)
        self.assertEqual(client.wait(60), 0, client.tail())
        client.finish_output()
        replies = [json.loads(line) for line in client.out.text().splitlines()]
        self.assertEqual(replies[0], {"parameters": {"name": "web", "pid": master.pid}})
        self.assertTrue(all(reply["continues"] for reply in replies[1:-1]))
        self.assertEqual(replies[-1]["parameters"]["outcome"]["result"], "done")

    def test_a_reply_larger_than_a_socket_holds_comes_whole(self):
        master = self.liveswap(config(workers=64))
        with socket.socket(socket.AF_UNIX) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(str(master.control))
            client.sendall(b'{"method":"org.liveswap.Control.Status"}\0' * 20)
            stream = client.makefile("rb")
            text = b""
            while text.count(b"\0") < 20:
                text += stream.read1(1000)
        for message in text.split(b"\0")[:20]:
            self.assertEqual(len(json.loads(message)["parameters"]["apps"][0]["workers"]), 64)
        self.ended_well(master)
