"""A master under test: its files, its control socket, and what it says."""

import dataclasses
import json
import os
import pathlib
import signal
import socket
import time

from . import build, net, processes
from .processes import Process, wait_readable, wait_until


@dataclasses.dataclass(frozen=True)
class Result:
    """How a run of liveswapctl ended."""

    command: tuple
    status: int
    out: str
    err: str

    @property
    def objects(self):
        """The JSON objects of --json, one a line."""
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]

    @property
    def result(self):
        """The last object of --json, the result."""
        return self.objects[-1]

    def __str__(self):
        return f"{' '.join(self.command)}: status {self.status}\n{self.out}{self.err}"


class Liveswap:
    """`liveswap -c FILE` in a directory of its own. TestCase.liveswap() makes, starts and ends it."""

    def __init__(self, directory, config, *, name="web", args=(), env=None, cwd=None):
        self.directory = pathlib.Path(directory)
        self.name = name
        self.runtime = self.directory / "run"
        self.state = self.directory / "state"
        for folder in (self.runtime, self.state):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.file = self.directory / f"{name}.yaml"
        self.control = self.runtime / "control.sock"
        self.cwd = cwd or self.directory
        self.notified = []
        self.process = None
        self._args = list(args)
        self._notify_path = self.directory / "notify"
        self._notify = None
        # A directory for each kind of file, so that nothing of the machine's is read or written.
        self.env = {**os.environ, "RUNTIME_DIRECTORY": str(self.runtime), "STATE_DIRECTORY": str(self.state),
                    "NOTIFY_SOCKET": str(self._notify_path), **(env or {})}
        if config is not None:
            self.configure(config)

    def configure(self, config):
        """Writes the configuration file; what runs does not know before it is told."""
        self.file.write_text(config, encoding="utf-8")

    # The master's life.

    @property
    def pid(self):
        """The master's: a child of its guardian, which is what was started, unless there is none."""
        started = self.process.pid
        for pid in (started, *processes.children(started)):
            if processes.program(pid) == "liveswap":
                return pid
        return started

    def launch(self):
        """Starts the master and returns at once."""
        self.notified.clear()
        self._notify_path.unlink(missing_ok=True)
        self._close_notify()
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._notify.bind(str(self._notify_path))
        chosen = ["-c", str(self.file)] if self.file.exists() else []
        self.process = Process([build.program("liveswap"), *chosen, *self._args], env=self.env, cwd=self.cwd)
        return self

    def start(self, timeout=20.0):
        """Starts the master and waits until it says that every app is ready."""
        self.launch()
        self.wait_notified("READY", "1", timeout)
        return self

    def wait_notified(self, key, value=None, timeout=20.0):
        """Waits for KEY=VALUE from the master, as systemd would get it; returns the value."""
        deadline = time.monotonic() + timeout
        while True:
            for message in self.notified:
                if key in message and value in (None, message[key]):
                    return message[key]
            ready = wait_readable([self._notify.fileno(), self.process.pidfd], deadline - time.monotonic())
            if self._notify.fileno() in ready:
                self._receive()
            elif ready:
                raise AssertionError(f"liveswap ended with status {self.process.wait()} before {key}; it said:\n"
                                     + self.said())
            else:
                raise AssertionError(f"no {key} from liveswap within {timeout:g} s; it said:\n{self.process.tail()}")

    def _receive(self):
        text = self._notify.recv(65536).decode(errors="replace")
        pairs = (line.partition("=") for line in text.splitlines())
        self.notified.append({key: value for key, _, value in pairs})

    def said(self):
        """All that an ended master wrote."""
        self.process.finish_output()
        return self.process.tail()

    def stop(self, timeout=20.0):
        """Asks the master to drain and end; returns its exit status."""
        self.process.signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def close(self):
        if self.process is not None:
            self.process.close()
        self._close_notify()

    def _close_notify(self):
        if self._notify is not None:
            self._notify.close()
            self._notify = None

    # Its control socket.

    def ctl_process(self, *command, env=None, cwd=None):
        """A running liveswapctl, for what is to be interrupted or followed."""
        return Process([build.program("liveswapctl"), "--control", str(self.control), *command],
                       env={**self.env, **(env or {})}, cwd=cwd or self.cwd, name="liveswapctl")

    def ctl(self, *command, status=None, timeout=60.0, env=None, cwd=None):
        """Runs liveswapctl to its end. With `status`, another exit status is a failure."""
        command = tuple(str(word) for word in command)
        process = self.ctl_process(*command, env=env, cwd=cwd)
        try:
            ended = process.wait(timeout)
            process.finish_output()
        finally:
            process.close()
        lines = [text + "\n" if text else "" for text in (process.out.text(), process.err.text())]
        result = Result(command, ended, *lines)
        if status is not None and ended != status:
            raise AssertionError(f"wanted exit status {status} of {result}\nthe master said:\n{self.process.tail()}")
        return result

    def status(self):
        """`status --json`, as a dict."""
        return json.loads(self.ctl("status", "--json", status=0).out)

    def app(self, name=None):
        """One app out of the status; the only one, if there is only one."""
        apps = self.status()["apps"]
        chosen = apps if name is None else [app for app in apps if app["name"] == name]
        if len(chosen) != 1:
            raise AssertionError(f"no app {name!r} in {apps}")
        return chosen[0]

    def workers(self, state=None, app=None):
        """The workers of an app, all or those in a state."""
        return [worker for worker in self.app(app)["workers"] if state in (None, worker["state"])]

    def wait_app(self, predicate, timeout=20.0, name=None, what=None):
        """Waits until the app's status satisfies predicate; returns it."""
        def look():
            app = self.app(name)
            return app if predicate(app) else None
        return wait_until(look, timeout, what or "the app's status")

    def address(self, listener):
        """Where a listener's first socket really is, with the port that the kernel chose for port 0."""
        return self.addresses(listener)[0]

    def addresses(self, listener):
        """The same of all of its sockets: `tcp://127.0.0.1:8080`, `unix:/run/x.sock`."""
        rows = [row for row in self.status()["listeners"] if row["name"] == listener]
        if not rows:
            raise AssertionError(f"no listener {listener!r}")
        return [row["kind"] + ("://" if row["kind"] in ("tcp", "udp") else ":") + row["address"] for row in rows]

    def get(self, listener, path="/", timeout=5.0):
        """One HTTP request to a listener, on a connection of its own."""
        return net.http_get(self.address(listener), path, timeout)
