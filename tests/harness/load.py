"""An app that is upgraded again and again while clients ask it, none of whose requests may fail."""

import json
import signal

from . import build
from .case import LONG, SCALE, TestCase

UPGRADES = 100 if LONG else 10
NO_FAILURES = {name: 0 for name in ("refused", "reset_before", "eof_before", "reused_reset", "reused_eof", "truncated",
                                    "timeout", "bad_status", "client")}


class LoadCase(TestCase):
    """Test cases under load: one listener, `http`, and one app, which answers `version=vN`."""

    timeout_s = 3600.0 if LONG else 240.0

    def hammer(self, address, mode="close", connections=16, options=()):
        return self.run_process(build.program("hammer"), "--mode", mode, "--connections", str(connections),
                                "--seconds", "3000", "--live", "20", *options, address, name=f"hammer ({mode})")

    def wait_version(self, hammer, version):
        """Waits until a client has had an answer of this version from now on."""
        hammer.wait_line(f'"{version}":', 30.0 * SCALE, stream="out", skip=hammer.out.count())

    def nothing_failed(self, hammer, at_least=100):
        """Ends a hammer; returns its result."""
        hammer.signal(signal.SIGTERM)
        self.assertEqual(hammer.wait(), 0, hammer.tail())
        hammer.finish_output()
        result = json.loads(hammer.out.text().splitlines()[-1])
        self.assertEqual(result["failures"], NO_FAILURES, result)
        self.assertGreater(result["successes"], at_least)
        return result

    def upgrades_under_load(self, config, mode="close", through=None, **options):
        """Starts config("v1"), rolls out config("v2") and so on; clients have to see each.

        They ask the listener, or the address `through`, behind which it is.
        """
        web = self.liveswap(config("v1"), timeout=60.0, **options)
        hammer = self.hammer(through or web.address("http"), mode)
        self.wait_version(hammer, "v1")
        for version in range(2, UPGRADES + 2):
            web.configure(config(f"v{version}"))
            web.ctl("upgrade", status=0)
            self.wait_version(hammer, f"v{version}")
        self.nothing_failed(hammer)
        return web
