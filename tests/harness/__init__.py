"""Tests with real processes.

    from harness import TestCase, build

    class Upgrade(TestCase):
        def test_an_upgrade_answers_with_the_new_version(self):
            web = self.liveswap(CONFIG)             # started, and every app ready
            self.assertEqual(web.ctl("upgrade").status, 0)

Run a module with `tests/harness/run.py MODULE [PATTERN…]`; meson does (see tests/meson.build). A test waits for
events (a pidfd, a line, a datagram on NOTIFY_SOCKET), never for a fixed time; it starts processes through the
helpers only, so that all of them, and whatever they left behind, are gone when it ends. Standard library only.
"""

from . import build, net, processes
from .case import LONG, SCALE, TestCase
from .master import Liveswap
from .net import HttpConnection, connect, free_port, http_get
from .processes import Process, wait_until

__all__ = [
    "HttpConnection", "LONG", "Liveswap", "Process", "SCALE", "TestCase", "build", "connect", "free_port",
    "http_get", "net", "processes", "wait_until",
]
