"""A worker with kept connections, of which each test wants something else (systemd protocol).

Answers each line `NAME` of a client with `NAME PID`; `slow` after 700 ms. Asked to drain it stops accepting and ends
when no connection is left. Environment: LEAVE=1 leaves a process behind that has its listener and nothing else of it;
PRIVATE=1 makes it not dumpable; STUBBORN=1 keeps every connection for ever.
"""

import ctypes
import os
import selectors
import signal
import socket
import subprocess
import threading

_PR_SET_DUMPABLE = 4


def say(text):
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(text.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)


def leave_behind():
    """Its session and its environment are its own, so nothing tells whose it was; its parent ends at once."""
    subprocess.run(["/bin/sh", "-c", "sleep 1000 & echo $! >&2"], pass_fds=(3,), start_new_session=True, env={},
                   check=True, stdin=subprocess.DEVNULL)


class Server:
    def __init__(self):
        self.listeners = [socket.socket(fileno=3 + i) for i in range(int(os.environ["LISTEN_FDS"]))]
        self.selector = selectors.DefaultSelector()
        self.kept = set()
        self.drains = False
        self.wake, self.woken = socket.socketpair()
        self.wake.setblocking(False)
        signal.set_wakeup_fd(self.wake.fileno())
        signal.signal(signal.SIGTERM, lambda *_: None)
        self.selector.register(self.woken, selectors.EVENT_READ, self.drain)
        for listener in self.listeners:
            self.selector.register(listener, selectors.EVENT_READ, self.accept)

    def drain(self, woken):
        woken.recv(1)
        if not self.drains:
            self.drains = True
            for listener in self.listeners:
                self.selector.unregister(listener)
                listener.close()

    def accept(self, listener):
        client, _ = listener.accept()
        self.kept.add(client)
        self.selector.register(client, selectors.EVENT_READ, self.answer)

    def answer(self, client):
        what = client.recv(1000).decode().strip()
        reply = f"{what} {os.getpid()}\n".encode()
        if what == "slow":
            threading.Timer(0.7, client.sendall, [reply]).start()
        elif what:
            client.sendall(reply)
        elif "STUBBORN" not in os.environ:
            self.selector.unregister(client)
            self.kept.remove(client)
            client.close()
        else:
            self.selector.unregister(client)

    def run(self):
        while not self.drains or self.kept:
            for key, _ in self.selector.select():
                key.data(key.fileobj)


def main():
    server = Server()
    if "LEAVE" in os.environ:
        leave_behind()
    if "PRIVATE" in os.environ:
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)
    say("READY=1")
    server.run()


main()
