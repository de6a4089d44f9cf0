"""Programs from Debian, unmodified: upgraded under load, nothing lost.

With a new connection for each request, that is. Kept connections are the program's business: both close idle ones at
once when they are asked to drain.
How a Node server does without is in liveswap-worker(7), and that loses nothing either.
"""

import shutil
import unittest

from harness.load import LoadCase
from harness.manual import example

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


class RealPrograms(LoadCase):
    def program(self, name):
        found = shutil.which(name, path="/usr/bin:/bin")
        if found is None:
            raise unittest.SkipTest(f"{name} is not installed")
        return found

    def upgrades(self, config, mode="close", **values):
        return self.upgrades_under_load(
            lambda version: config.format(directory=self.directory, version=version, **values), mode)

    def test_gunicorn_loses_nothing(self):
        self.write("app.py", GUNICORN_APP)
        web = self.upgrades(GUNICORN, gunicorn=self.program("gunicorn"))
        self.ended_well(web)

    def test_node_that_listens_on_a_descriptor_loses_nothing(self):
        self.write("server.js", NODE_SERVER)
        web = self.upgrades(NODE, node=self.program("node"))
        # node makes its listener non-blocking and asks for a backlog of 511, both on the socket that all share.
        web.process.wait_line("a worker has made it non-blocking", 1.0)
        web.process.wait_line("a worker had set its backlog to 511: put back to", 1.0)
        self.ended_well(web)

    def test_node_as_the_manual_has_it_loses_no_kept_connection(self):
        server = example("liveswap-worker.7", "const http")
        answer = '"hello\\n"'
        self.assertIn(answer, server)
        self.write("server.js", server.replace(answer, '`version=${process.env.VERSION} pid=${process.pid}\\n`'))
        web = self.upgrades(NODE, "keep-alive", node=self.program("node"))
        self.ended_well(web)
