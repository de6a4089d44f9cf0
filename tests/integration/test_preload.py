"""`bind_by`: programs that are seen to bind by a library in them, where seccomp cannot be used or shall not be."""

import os
import shutil
import signal
import socket
import subprocess
import sys

from harness import SCALE, build, net, processes
from harness.load import LoadCase
from test_bind import BindCase
from test_unmodified import CONFIG, GO, PATH, PYTHON

PRELOAD = "    bind_by: preload\n"

# Runs what follows below a filter that has a notifier, as some sandboxes do: there can be no second one.
SANDBOX = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
allow = struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000)
program = ctypes.create_string_buffer(allow)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
given = Program(1, ctypes.addressof(program))
libc.prctl(38, 1, 0, 0, 0)
number = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
notifier = libc.syscall(number, 1, 8, ctypes.byref(given))
if notifier < 0: sys.exit(f"seccomp: errno {ctypes.get_errno()}")
os.set_inheritable(notifier, True)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Preload(BindCase):
    def upgraded(self, *words):
        web = self.liveswap(self.config(*words, more=PRELOAD))
        self.assertEqual(self.ask(), "v1")
        web.configure(self.config(*words, version="v2", more=PRELOAD))
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertEqual(self.ask(), "v2")
        self.assertEqual(len(web.workers()), 1)
        return web

    def test_an_address_that_no_file_names_is_found(self):
        web = self.upgraded("tcp", "127.0.0.1", self.port)
        row = web.status()["listeners"][0]
        self.assertEqual((row["name"], row["handoff"]), (f"web-{self.port}", "steered"))
        self.assertEqual(web.app()["bind_by"], "preload")
        self.assertIn("is seen to bind by preload", web.ctl("status", status=0).out)
        self.ended_well(web)

    def test_a_thread_that_binds_and_a_fork_that_serves(self):
        self.ended_well(self.upgraded("tcp", "127.0.0.1", self.port, "thread", "fork"))

    def test_what_waits_at_a_program_that_dies_is_served_by_the_next_one(self):
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port, more=PRELOAD))
        worker = web.workers("ready")[0]["pid"]
        os.kill(worker, signal.SIGSTOP)
        self.wait_until(lambda: processes.stat(worker).state == "T")
        waiting = [socket.create_connection(("127.0.0.1", self.port), 20.0 * SCALE) for _ in range(20)]
        os.kill(worker, signal.SIGKILL)
        for client in waiting:
            with client:
                self.assertTrue(client.recv(100).startswith(b"v1 "))
        self.ended_well(web)

    def test_what_the_program_preloads_itself_is_kept(self):
        self.script("tell", 'echo "preloads $LD_PRELOAD"; exec python3 server.py "$@"\n')
        text = self.config("tcp", "127.0.0.1", self.port, more=PRELOAD).replace("python3, server.py", "./tell")
        text = text.replace("VERSION: v1", "VERSION: v1, LD_PRELOAD: libm.so.6")
        web = self.liveswap(text)
        web.process.wait_line(r"preloads libm\.so\.6:/.*/liveswap-bind\.so$", 10.0 * SCALE, stream="out")
        self.assertEqual(self.ask(), "v1")
        self.ended_well(web)

    def test_an_address_in_use_is_told_to_the_program(self):
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port, more=PRELOAD))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            web.configure(self.config("tcp", "127.0.0.1", taken.getsockname()[1], version="v2", more=PRELOAD))
            result = web.ctl("upgrade", status=1)
        self.assertIn("Address already in use", result.err + result.out)
        self.assertEqual(self.ask(), "v1")
        self.ended_well(web)

    def test_a_program_that_clears_the_variable_is_told_of(self):
        self.script("clear", 'unset LD_PRELOAD; exec python3 server.py "$@"\n')
        text = self.config("tcp", "127.0.0.1", self.port, more=PRELOAD + "    ready: {timeout: 2s}\n")
        web = self.liveswap(text.replace("python3, server.py", "./clear"), start=False)
        web.launch()
        self.assertEqual(web.process.wait(60.0 * SCALE), 1)
        self.assertIn("was not seen to bind", web.said())

    def test_one_that_is_ready_by_other_means_is_told_of_as_well(self):
        self.script("clear", 'unset LD_PRELOAD; exec python3 server.py "$@"\n')
        text = self.config("tcp", "127.0.0.1", self.port, more=PRELOAD + "    ready: {when: delay, delay: 100ms}\n")
        web = self.liveswap(text.replace("python3, server.py", "./clear"))
        web.process.wait_line("was not seen to bind", 10.0 * SCALE)
        web.stop()

    def test_a_static_program_is_told_of(self):
        go = shutil.which("go", path=PATH)
        if go is None:
            self.skipTest("go is not here")
        self.write("main.go", GO)
        subprocess.run([go, "build", "-o", "server", "main.go"], check=True, timeout=200, cwd=self.directory,
                       env={**os.environ, "CGO_ENABLED": "0", "GOCACHE": str(self.directory / "cache"),
                            "GO111MODULE": "off"})
        self.write("version", "VERSION=v1\n")
        text = CONFIG.format(command="./server", directory=self.directory, workers=1, port=self.port,
                             drain="timeout: 60s", stop="signal: KILL")
        web = self.liveswap(text.replace("timeout: 30s", "timeout: 2s") + PRELOAD, start=False)
        web.launch()
        self.assertEqual(web.process.wait(60.0 * SCALE), 1)
        self.assertIn("statically linked", web.said())


class Automatic(BindCase):
    def sandboxed(self, *argv, **options):
        program = self.write("sandbox.py", SANDBOX)
        return self.run_process(sys.executable, str(program), *argv, **options)

    def test_without_a_sandbox_it_is_seccomp(self):
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port))
        self.assertEqual(web.app()["bind_by"], "seccomp")
        self.ended_well(web)

    def test_where_a_notifier_is_around_the_master_it_is_preload(self):
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port), start=False)
        env = {name: value for name, value in web.env.items() if name != "NOTIFY_SOCKET"}
        master = self.sandboxed(build.program("liveswap"), "-c", str(web.file), env=env, cwd=web.cwd)
        master.wait_line("web: is seen to bind by preload, since seccomp cannot be used: seccomp user notification: "
                         "Device or resource busy", 20.0 * SCALE)
        self.wait_until(web.control.exists)
        web.ctl("wait", "--for", "ready", status=0)
        self.assertEqual(web.app()["bind_by"], "preload")
        self.assertEqual(self.ask(), "v1")
        web.configure(self.config("tcp", "127.0.0.1", self.port, version="v2"))
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertEqual(self.ask(), "v2")
        master.signal(signal.SIGTERM)
        self.assertEqual(master.wait(30.0 * SCALE), 0)
        self.assertEqual(master.err.text().count("is seen to bind by preload"), 1)

    def test_check_says_which(self):
        web = self.liveswap(self.config("tcp", "127.0.0.1", self.port), start=False)
        argv = (build.program("liveswap"), "-c", str(web.file), "--check")
        plain = self.run_process(*argv, env=web.env, cwd=web.cwd)
        self.assertEqual(plain.wait(20.0 * SCALE), 0)
        plain.finish_output()
        self.assertRegex(plain.out.text(), r"bind_by +seccomp \(auto\)")
        around = self.sandboxed(*argv, env=web.env, cwd=web.cwd)
        self.assertEqual(around.wait(20.0 * SCALE), 0)
        around.finish_output()
        self.assertRegex(around.out.text(), r"bind_by +preload \(auto, since seccomp cannot be used: .*busy\)")


class UnderLoad(LoadCase):
    def test_a_python_http_server(self):
        port = net.free_port()
        self.write("server.py", PYTHON)

        def config(version):
            self.write("version", f"VERSION={version}\n")
            text = CONFIG.format(command="[python3, server.py]", directory=self.directory, workers=1, port=port,
                                 drain="timeout: 60s, idle: 1s", stop="signal: KILL")
            return text + PRELOAD
        web = self.upgrades_under_load(config, through=f"tcp://127.0.0.1:{port}")
        self.assertEqual(web.app()["bind_by"], "preload")
        self.ended_well(web)
