"""The frames of Node's cluster protocol, word for word, against the Node that is installed here.

Node describes them nowhere, so a new version may change them: then this test says which, before a worker hangs. What
src/wire/node_ipc.hpp reads and writes is what is looked at here; nothing of liveswap runs.
"""

import array
import json
import os
import shutil
import socket
import unittest

from harness import TestCase

NODE = shutil.which("node")

SERVER = """
const net = require('net')
const server = net.createServer(client => client.end('hello'))
server.listen({port: 0, host: '127.0.0.1'}, () => process.send('ready'))
process.on('message', text => process.send({cmd: 'told', text}))
"""


@unittest.skipUnless(NODE, "node is not installed")
class Frames(TestCase):
    def start(self, text):
        """A worker whose primary is this test; its frames come by self.frame()."""
        self.primary, theirs = socket.socketpair()
        self.addCleanup(self.primary.close)
        self.primary.settimeout(20)
        self.lines = self.primary.makefile("r", encoding="utf-8")
        self.addCleanup(self.lines.close)
        with theirs:
            environment = self.environment(NODE_CHANNEL_FD=str(theirs.fileno()), NODE_UNIQUE_ID="1",
                                           NODE_CHANNEL_SERIALIZATION_MODE="json")
            return self.run_process(NODE, self.write("server.js", text), env=environment,
                                    pass_fds=[theirs.fileno()])

    def frame(self):
        return json.loads(self.lines.readline())

    def send(self, message, handle=None):
        line = (json.dumps(message) + "\n").encode()
        if handle is None:
            self.primary.sendall(line)
        else:
            rights = array.array("i", [handle.fileno()])
            self.primary.sendmsg([line], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])

    def test_a_server_is_asked_for_granted_listens_and_is_closed(self):
        worker = self.start(SERVER)
        self.assertEqual(self.frame(), {"cmd": "NODE_CLUSTER", "act": "online", "seq": 0})
        query = self.frame()
        self.assertEqual({name: query[name] for name in ("cmd", "act", "index", "address", "port", "addressType")},
                         {"cmd": "NODE_CLUSTER", "act": "queryServer", "index": 0, "address": "127.0.0.1", "port": 0,
                          "addressType": 4})
        self.assertIsInstance(query["seq"], int)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)  # Node 18 accepts until nobody is left
            self.send({"cmd": "NODE_HANDLE", "type": "net.Native", "msg": {
                "cmd": "NODE_CLUSTER", "seq": 0, "errno": 0, "key": "a key", "ack": query["seq"], "data": None}},
                listener)
            self.assertEqual(self.frame(), {"cmd": "NODE_HANDLE_ACK"})
            port = listener.getsockname()[1]
            after = [self.frame(), self.frame()]  # in an order that Node is free to choose
            self.assertIn("ready", after)
            listening = next(frame for frame in after if frame != "ready")
            self.assertEqual((listening["act"], listening["port"], listening["index"]), ("listening", port, 0))
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                self.assertEqual(client.recv(16), b"hello")
        self.send("a text")
        self.assertEqual(self.frame(), {"cmd": "told", "text": "a text"})
        self.send({"cmd": "NODE_CLUSTER", "act": "disconnect", "seq": 1})
        closed = self.frame()
        self.assertEqual((closed["cmd"], closed["act"], closed["key"]), ("NODE_CLUSTER", "close", "a key"))
        self.assertEqual(self.lines.readline(), "")
        self.assertEqual(worker.wait(20), 0, worker.tail())

    def test_a_refusal_is_the_error_of_listen(self):
        worker = self.start("require('net').createServer().on('error', e => process.send(e.code)).listen(80)")
        self.assertEqual(self.frame()["act"], "online")
        query = self.frame()
        self.assertEqual((query["address"], query["port"], query["addressType"]), (None, 80, 4))
        self.send({"cmd": "NODE_CLUSTER", "seq": 0, "errno": -13, "key": "k", "ack": query["seq"], "data": None})
        self.assertEqual(self.frame(), "EACCES")
        self.primary.shutdown(socket.SHUT_RDWR)
        self.assertEqual(worker.wait(20), 0, worker.tail())

    def test_a_descriptor_that_is_lost_is_said_to_be(self):
        self.start(SERVER)
        self.frame()
        query = self.frame()
        self.send({"cmd": "NODE_HANDLE", "type": "net.Native", "msg": {
            "cmd": "NODE_CLUSTER", "seq": 0, "errno": 0, "key": "k", "ack": query["seq"], "data": None}})
        self.assertEqual(self.frame(), {"cmd": "NODE_HANDLE_NACK"})

    def test_a_path_and_a_number_are_asked_for_in_words_of_their_own(self):
        self.start("for (const where of ['x.sock', {fd: 3}]) require('net').createServer().listen(where)")
        self.frame()
        path, number = self.frame(), self.frame()
        self.assertEqual((path["address"], path["port"], path["addressType"]),
                         (os.path.join(os.getcwd(), "x.sock"), -1, -1))
        self.assertEqual([number[name] for name in ("address", "port", "addressType", "fd")], [None, None, None, 3])
