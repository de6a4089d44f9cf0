#!/usr/bin/python3
"""A worker that answers on whatever it is given: every message, on every kind of socket, gets `VERSION MESSAGE`.

One message a connection on sockets that accept. Asked to drain by TERM it takes nothing more, answers what it has
taken, and ends.
"""

import os
import selectors
import signal
import socket

WORDS_MAX = 4096
READ_TIMEOUT_S = 10


def listeners():
    assert int(os.environ["LISTEN_PID"]) == os.getpid()
    return [socket.socket(fileno=3 + index) for index in range(int(os.environ["LISTEN_FDS"]))]


def answer(words):
    return os.environ["VERSION"].encode() + b" " + words


def serve_datagram(sock):
    try:
        words, sender = sock.recvfrom(WORDS_MAX, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return  # another worker was quicker
    sock.sendto(answer(words), sender)


def serve_connection(sock):
    try:
        connection, _ = sock.accept()
    except BlockingIOError:
        return
    with connection:
        connection.settimeout(READ_TIMEOUT_S)
        words = connection.recv(WORDS_MAX)
        if words:
            connection.sendall(answer(words))


def notify(words):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(words, os.environ["NOTIFY_SOCKET"])


def main():
    leaving = False

    def leave(*_):
        nonlocal leaving
        leaving = True

    wake_up, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGTERM, leave)
    selector = selectors.DefaultSelector()
    selector.register(wake_up, selectors.EVENT_READ, None)
    for sock in listeners():
        serve = serve_datagram if sock.type == socket.SOCK_DGRAM else serve_connection
        selector.register(sock, selectors.EVENT_READ, serve)
    notify(b"READY=1")
    while not leaving:
        for key, _ in selector.select():
            if key.data is not None and not leaving:
                key.data(key.fileobj)


main()
