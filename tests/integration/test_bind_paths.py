"""`protocol: bind` with Unix paths, which programs remove before they bind them, and when they end."""

import os
import socket
import threading

from harness import SCALE
from test_bind import SERVER, BindCase


class Paths(BindCase):
    def test_a_unix_path_is_always_there(self):
        path = self.directory / "web.sock"
        missed = []
        stop = threading.Event()

        def look():
            while not stop.is_set():
                if not path.exists():
                    missed.append(1)

        def ask():
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10.0 * SCALE)
                client.connect(str(path))
                return client.recv(100).decode().split()[0]
        options = {"listeners": f'{{http: "unix:{path}"}}'}
        web = self.liveswap(self.config("unix", path, **options))
        self.assertEqual(ask(), "v1")
        looker = threading.Thread(target=look)
        looker.start()
        for version in ("v2", "v3", "v4"):
            web.configure(self.config("unix", path, version=version, **options))
            web.ctl("upgrade", "--wait", "drained", status=0)
            self.assertEqual(ask(), version)
        stop.set()
        looker.join()
        self.assertEqual(missed, [])
        self.ended_well(web)
        self.assertFalse(path.exists())

    def test_a_worker_that_removes_the_path_that_another_has_just_bound_shares_it(self):
        path = self.directory / "web.sock"
        self.write("server.py", SERVER.replace("    try: os.unlink", """
    import time
    while os.environ["LIVESWAP_SLOT"] == "1" and not os.path.exists(sys.argv[2]): time.sleep(0.01)
    try: os.unlink"""))
        web = self.liveswap(self.config("unix", path, more="    workers: 2"))

        def ask():
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10.0 * SCALE)
                client.connect(str(path))
                return client.recv(100).decode().split()
        self.assertEqual(ask()[0], "v1")
        self.assertEqual(len(web.status()["listeners"]), 1)
        web.configure(self.config("unix", path, version="v2", more="    workers: 2"))
        web.ctl("upgrade", "--wait", "drained", status=0)
        self.assertEqual(ask()[0], "v2")
        self.ended_well(web)

    def test_a_path_that_somebody_has_removed_is_bound_again_by_the_next_generation(self):
        path = self.directory / "web.sock"
        web = self.liveswap(self.config("unix", path))
        for version in ("v2", "v3"):
            path.unlink()
            web.configure(self.config("unix", path, version=version))
            web.ctl("upgrade", "--wait", "drained", status=0)
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10.0 * SCALE)
                client.connect(str(path))
                self.assertEqual(client.recv(100).decode().split()[0], version)
        self.ended_well(web)
        self.assertEqual([name for name in os.listdir(self.directory) if "sock" in name], [])

    def test_a_path_that_an_old_program_removes_at_its_end_still_leads_to_the_new_one(self):
        path = self.directory / "web.sock"
        self.write("server.py", SERVER.replace("import os, socket", """
import signal
def leave(*_):
    os.unlink(sys.argv[2])
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
import os, socket"""))

        def ask():
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10.0 * SCALE)
                client.connect(str(path))
                return client.recv(100).decode().split()[0]
        web = self.liveswap(self.config("unix", path).replace("signal: none, ", ""))
        for version in ("v2", "v3"):
            web.configure(self.config("unix", path, version=version).replace("signal: none, ", ""))
            web.ctl("upgrade", "--wait", "drained", status=0)
            self.assertEqual(ask(), version)
        self.ended_well(web)
        self.assertFalse(path.exists())
