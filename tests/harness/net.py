"""Clients for the services under test: connect, one HTTP request, or several on one connection."""

import dataclasses
import socket

_READ = 65536


def free_port(kind=socket.SOCK_STREAM, host="127.0.0.1"):
    """A port that nobody has just now. Where liveswap is to choose one, write port 0 and ask for its address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


def parse(address):
    """(family, kind, address) of `tcp://HOST:PORT`, `udp://HOST:PORT`, `unix:PATH`, `unix:@NAME` and the like."""
    if isinstance(address, tuple):
        return socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM, address
    kinds = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "unix": socket.SOCK_STREAM,
             "unix-dgram": socket.SOCK_DGRAM, "unix-seqpacket": socket.SOCK_SEQPACKET}
    scheme, _, rest = address.partition(":")
    if scheme.startswith("unix"):
        return socket.AF_UNIX, kinds[scheme], ("\0" + rest[1:] if rest.startswith("@") else rest)
    host, _, port = rest.removeprefix("//").rpartition(":")
    host = host.strip("[]")
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    return socket.AF_INET6 if ":" in host else socket.AF_INET, kinds[scheme], (host, int(port))


def connect(address, timeout=5.0):
    family, kind, where = parse(address)
    sock = socket.socket(family, kind | socket.SOCK_CLOEXEC)
    try:
        sock.settimeout(timeout)
        sock.connect(where)
    except BaseException:
        sock.close()
        raise
    return sock


@dataclasses.dataclass(frozen=True)
class Response:
    status: int
    headers: dict
    body: str

    @property
    def closing(self):
        return self.headers.get("connection", "").lower() == "close"


class HttpConnection:
    """One connection to an HTTP/1.1 server; get() as often as it lives. Closed by `with`."""

    def __init__(self, address, timeout=5.0):
        self.sock = connect(address, timeout)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, path="/", headers=(), method="GET"):
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        self.sock.sendall("\r\n".join(lines).encode())

    def receive(self):
        head, self._buffer = self._until(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in rest:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = self._chunks()
        else:
            body = self._exactly(int(headers.get("content-length", 0)))
        return Response(int(first.split()[1]), headers, body.decode(errors="replace"))

    def get(self, path="/", headers=()):
        self.send(path, headers)
        return self.receive()

    def _chunks(self):
        body = b""
        while True:
            line, self._buffer = self._until(b"\r\n")
            chunk = self._exactly(int(line, 16))
            self._exactly(2)
            if not chunk:
                return body
            body += chunk

    def _exactly(self, length):
        while len(self._buffer) < length:
            self._more()
        data, self._buffer = self._buffer[:length], self._buffer[length:]
        return data

    def _until(self, mark):
        while mark not in self._buffer:
            self._more()
        head, _, tail = self._buffer.partition(mark)
        return head, tail

    def _more(self):
        data = self.sock.recv(_READ)
        if not data:
            raise ConnectionError(f"the server closed the connection after {self._buffer!r}")
        self._buffer += data


def http_get(address, path="/", timeout=5.0):
    """One request on a connection of its own."""
    with HttpConnection(address, timeout) as connection:
        return connection.get(path, ["Connection: close"])
