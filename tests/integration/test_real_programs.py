"""Programs from Debian, unmodified: upgraded under load, nothing lost.

With a new connection for each request, that is. Kept connections are the program's business: both close idle ones at
once when they are asked to drain.
How a Node server does without is in liveswap-worker(7), and that loses nothing either.
"""

import json
import shutil
import unittest

from harness import LONG, TestCase, build
from harness.manual import example

UPGRADES = 100 if LONG else 10
NO_FAILURES = {name: 0 for name in ("refused", "reset_before", "eof_before", "reused_reset", "reused_eof", "truncated",
                                    "timeout", "bad_status", "client")}

GUNICORN_APP = """
import os


def app(environ, start_response):
    body = f"version={os.environ['VERSION']} pid={os.getpid()}\\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""

# gunicorn takes LISTEN_FDS, and says READY=1 before its own workers accept: until they do, clients wait in the queue.
GUNICORN = """
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: [{gunicorn}, --workers, "2", --log-level, warning, "app:app"]
    cwd: {directory}
    workers: 2
    env: {{VERSION: {version}}}
    drain: {{timeout: 20s}}
"""

NODE_SERVER = """
const http = require('http');
const server = http.createServer((request, response) => {
  response.end(`version=${process.env.VERSION} pid=${process.pid}\\n`);
});
server.listen({fd: 3});
process.on('SIGTERM', () => server.close());
"""

NODE = """
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: [{node}, server.js]
    cwd: {directory}
    workers: 2
    ready: {{when: delay, delay: 500ms}}
    env: {{VERSION: {version}}}
    drain: {{timeout: 20s}}
"""


class RealPrograms(TestCase):
    timeout_s = 3600.0 if LONG else 240.0

    def program(self, name):
        found = shutil.which(name, path="/usr/bin:/bin")
        if found is None:
            raise unittest.SkipTest(f"{name} is not installed")
        return found

    def hammer(self, address, mode):
        return self.run_process(build.program("hammer"), "--mode", mode, "--connections", "16", "--seconds", "3000",
                                "--live", "20", address, name=f"hammer ({mode})")

    def wait_version(self, hammer, version):
        hammer.wait_line(f'"{version}":', 30.0, stream="out", skip=hammer.out.count())

    def upgrades_under_load(self, config, mode="close", **values):
        """Starts it as v1, rolls out v2 and so on; each has to be seen by the clients."""
        def text(version):
            return config.format(directory=self.directory, version=f"v{version}", **values)

        web = self.liveswap(text(1), timeout=60.0)
        hammer = self.hammer(web.address("http"), mode)
        self.wait_version(hammer, "v1")
        for version in range(2, UPGRADES + 2):
            web.configure(text(version))
            web.ctl("upgrade", status=0)
            self.wait_version(hammer, f"v{version}")
        hammer.signal(15)
        self.assertEqual(hammer.wait(), 0, hammer.tail())
        hammer.finish_output()
        result = json.loads(hammer.out.text().splitlines()[-1])
        self.assertEqual(result["failures"], NO_FAILURES, result)
        self.assertGreater(result["successes"], 100)
        return web

    def test_gunicorn_loses_nothing(self):
        self.write("app.py", GUNICORN_APP)
        web = self.upgrades_under_load(GUNICORN, gunicorn=self.program("gunicorn"))
        self.ended_well(web)

    def test_node_that_listens_on_a_descriptor_loses_nothing(self):
        self.write("server.js", NODE_SERVER)
        web = self.upgrades_under_load(NODE, node=self.program("node"))
        # node makes its listener non-blocking and asks for a backlog of 511, both on the socket that all share.
        web.process.wait_line("a worker has made it non-blocking", 1.0)
        web.process.wait_line("a worker had set its backlog to 511: put back to", 1.0)
        self.ended_well(web)

    def test_node_as_the_manual_has_it_loses_no_kept_connection(self):
        server = example("liveswap-worker.7", "const http")
        answer = '"hello\\n"'
        self.assertIn(answer, server)
        self.write("server.js", server.replace(answer, '`version=${process.env.VERSION} pid=${process.pid}\\n`'))
        web = self.upgrades_under_load(NODE, "keep-alive", node=self.program("node"))
        self.ended_well(web)
