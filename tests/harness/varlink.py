"""A client of the control socket: NUL-terminated JSON, as liveswap-control(7) says."""

import json
import socket

INTERFACE = "org.liveswap.Control"


class VarlinkError(Exception):
    """An error reply: its name without the interface, and its parameters."""

    def __init__(self, name, parameters):
        super().__init__(f"{name}: {parameters}")
        self.name = name.rpartition(".")[2]
        self.parameters = parameters


class Varlink:
    """One connection. call() for one reply, stream() for all replies of a call with `more`."""

    def __init__(self, path, timeout=60.0):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.sock.settimeout(timeout)
        self.sock.connect(str(path))
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, method, parameters=None, **flags):
        name = method if "." in method else f"{INTERFACE}.{method}"
        self.sock.sendall(json.dumps({"method": name, "parameters": parameters or {}, **flags}).encode() + b"\0")

    def receive(self):
        """(parameters, whether more will come); an error reply is raised."""
        while b"\0" not in self._buffer:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError(f"the master closed the connection after {self._buffer!r}")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        reply = json.loads(message)
        if "error" in reply:
            raise VarlinkError(reply["error"], reply.get("parameters", {}))
        return reply.get("parameters", {}), reply.get("continues", False)

    def call(self, method, **parameters):
        self.send(method, parameters)
        return self.receive()[0]

    def stream(self, method, **parameters):
        self.send(method, parameters, more=True)
        more = True
        while more:
            reply, more = self.receive()
            yield reply
