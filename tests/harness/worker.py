"""A worker by itself, without a supervisor: what a test of a fixture, or of a client, stands on."""

import os
import pathlib
import socket
import sys

from .processes import wait_readable

# Moves the listeners to descriptors 3 and up and becomes the program. LISTEN_PID must be the program's own pid.
_LAUNCH = """
import os, sys
first, count = int(sys.argv[1]), int(sys.argv[2])
for i in range(count):
    os.dup2(first + i, 3 + i)
    os.close(first + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))
os.execv(sys.argv[3], sys.argv[3:])
"""
_FIRST = 100


def listen_tcp(backlog=4096):
    """A listening socket on a port of the kernel's choice."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    sock.bind(("127.0.0.1", 0))
    sock.listen(backlog)
    return sock


def start_worker(case, program, listeners, ready=True, **environment):
    """Starts program with these sockets as its listeners; returns when it said READY=1, with `ready`."""
    path = pathlib.Path(case.directory) / f"worker-{len(os.listdir(case.directory))}.notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
        notify.bind(str(path))
        numbers = []
        try:
            for i, listener in enumerate(listeners):
                numbers.append(os.dup2(listener.fileno(), _FIRST + i))
            process = case.run_process(
                sys.executable, "-c", _LAUNCH, str(_FIRST), str(len(listeners)), program,
                env=case.environment(NOTIFY_SOCKET=str(path), **environment), pass_fds=numbers,
                name=os.path.basename(program))
        finally:
            for number in numbers:
                os.close(number)
        while ready:
            events = wait_readable([notify.fileno(), process.pidfd], 20.0)
            if notify.fileno() in events:
                ready = "READY=1" not in notify.recv(4096).decode().split("\n")
            else:
                raise AssertionError(f"{program} is not ready:\n{process.tail()}")
    return process
