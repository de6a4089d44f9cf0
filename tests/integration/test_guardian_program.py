"""liveswap-guardian by itself, with a master of the test's: what is kept, given, told, and when another is started.

The master is this file again: it does what it reads on standard input, and says what it has seen on standard output."""

import array
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

KEEP, DROP, ASK_STORE, ESTABLISHED, ENDING, NOTIFY, REPLACE_BINARY = range(1, 8)
HELLO, GIVE, GIVEN, KEEP_FAILED, SIGNAL, EXITED = range(33, 39)
PACKET = 128


def packet(kind, fields=b""):
    return (struct.pack("<HHI", 1, kind, 0) + fields).ljust(PACKET, b"\0")


def key(role, index, owner):
    return struct.pack("<IIQ", role, index, owner)


class Link:
    """A master's end."""

    def __init__(self):
        self._socket = socket.socket(fileno=int(os.environ["LIVESWAP_GUARD_CHANNEL"]))

    def send(self, kind, fields=b"", fd=None):
        rights = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self._socket.sendmsg([packet(kind, fields)], rights)

    def receive(self):
        data, ancillary, _, _ = self._socket.recvmsg(PACKET, socket.CMSG_SPACE(4))
        fds = array.array("i")
        for _, _, rights in ancillary:
            fds.frombytes(rights)
        return struct.unpack_from("<HHI", data)[1], data[8:], list(fds)


def act_as_master():
    """Says what it is greeted with; then a line of JSON for each packet that comes, and does what each line asks."""
    link = Link()
    kind, fields, _ = link.receive()
    assert kind == HELLO
    successor, deaths, last_kind, last_code, without_state, guardian = struct.unpack_from("<IIIiIi", fields)
    print(json.dumps({"hello": {"successor": successor, "deaths": deaths, "last_kind": last_kind,
                                "last_code": last_code, "without_state": without_state, "guardian": guardian},
                      "pid": os.getpid(), "session": os.getsid(0), "arguments": sys.argv[1:]}), flush=True)
    for line in iter(lambda: os.read(orders, 1), b""):
        order = line.decode()
        if order == "k":
            for owner in range(300):
                read, write = os.pipe()
                os.write(write, b"%d" % owner)
                link.send(KEEP, key(18, 1, owner), read)
                os.close(read)
                os.close(write)
            link.send(DROP, key(18, 1, 7))
        elif order == "a":
            link.send(ASK_STORE)
            given = {}
            while True:
                kind, fields, fds = link.receive()
                if kind == GIVEN:
                    break
                assert kind == GIVE, kind
                owner = struct.unpack_from("<IIQ", fields)[2]
                given[owner] = os.read(fds[0], 10).decode()
                os.close(fds[0])
            print(json.dumps({"given": given, "count": struct.unpack_from("<I", fields)[0]}), flush=True)
        elif order == "e":
            link.send(ESTABLISHED)
        elif order == "r":
            kind, fields, _ = link.receive()
            if kind == SIGNAL:
                signo, pid, _, below = struct.unpack_from("<IiII", fields)
                print(json.dumps({"signal": signo, "pid": pid, "below": below}), flush=True)
            elif kind == EXITED:
                pid, how, code, core = struct.unpack_from("<iIiI", fields)
                print(json.dumps({"exited": pid, "kind": how, "code": code, "core": core}), flush=True)
        elif order == "n":
            text = b"serving"
            link.send(NOTIFY, struct.pack("<IQQI", 1, 0, 0, len(text)) + text)
        elif order == "o":  # an orphan, which is the guardian's child from now on
            orphan = subprocess.run(["sh", "-c", "(sleep 0.2; exit 9) >/dev/null & echo $!"], capture_output=True,
                                    text=True, check=True)
            print(json.dumps({"orphan": int(orphan.stdout)}), flush=True)
        elif order == "x":
            link.send(ENDING, struct.pack("<I", 17))
            os._exit(0)
        elif order == "q":
            os._exit(5)


if __name__ == "__main__" and os.environ.get("LIVESWAP_GUARD_CHANNEL"):
    orders = int(sys.argv[1])
    act_as_master()
    sys.exit(0)

from harness import SCALE, TestCase, build, processes  # noqa: E402  pylint: disable=wrong-import-position


class GuardianProgram(TestCase):
    program = "liveswap-guardian"

    def guardian(self, **env):
        """A guardian with a master of ours; self.order(), self.heard()."""
        orders, self.orders = os.pipe()
        interpreter = os.open(sys.executable, os.O_PATH)
        environment = {**os.environ, "LIVESWAP_GUARD_BINARY": str(interpreter), "PYTHONPATH": "", **env}
        program = build.program(self.program)
        self.process = subprocess.Popen([sys.executable, __file__, str(orders)], executable=program,
                                        env=environment, pass_fds=[orders, interpreter], stdout=subprocess.PIPE,
                                        text=True)
        os.close(orders)
        os.close(interpreter)
        self.addCleanup(self.end)
        return self.heard()

    def end(self):
        os.close(self.orders)
        for pid in [child.pid for child in processes.descendants(self.process.pid)]:
            with __import__("contextlib").suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def order(self, letters):
        os.write(self.orders, letters.encode())

    def heard(self):
        line = self.process.stdout.readline()
        self.assertNotEqual(line, "", "the guardian has ended")
        return json.loads(line)

    def test_a_master_is_greeted_in_a_session_of_its_own(self):
        hello = self.guardian()
        self.assertEqual(hello["hello"], {"successor": 0, "deaths": 0, "last_kind": 0, "last_code": 0,
                                          "without_state": 0, "guardian": self.process.pid})
        self.assertEqual(hello["session"], hello["pid"])
        self.order("x")
        self.assertEqual(self.process.wait(20.0 * SCALE), 17)

    def test_the_next_one_is_given_all_that_is_kept(self):
        self.guardian()
        self.order("ke")
        self.order("a")
        kept = {str(owner): str(owner) for owner in range(300) if owner != 7}
        self.assertEqual(self.heard(), {"given": kept, "count": 299})
        self.order("q")
        hello = self.heard()["hello"]
        self.assertEqual((hello["successor"], hello["deaths"], hello["last_kind"], hello["last_code"]), (1, 1, 1, 5))
        self.order("a")
        self.assertEqual(self.heard()["count"], 299)

    def test_one_that_never_began_and_ends_is_not_started_again(self):
        self.guardian()
        self.order("q")
        self.assertEqual(self.process.wait(20.0 * SCALE), 5)

    def test_the_third_death_while_taking_over_leaves_the_state_alone_once(self):
        pid = self.guardian()["pid"]
        self.order("e")
        self.order("a")
        self.heard()  # and so it has been read
        told = []
        for _ in range(6):
            os.kill(pid, signal.SIGKILL)
            hello = self.heard()
            pid = hello["pid"]
            told.append((hello["hello"]["deaths"], hello["hello"]["without_state"]))
        self.assertEqual(told, [(1, 0), (2, 0), (3, 0), (4, 1), (5, 0), (6, 0)])

    def test_signals_are_told_also_those_that_came_while_there_was_none(self):
        pid = self.guardian()["pid"]
        self.process.send_signal(signal.SIGHUP)
        self.order("r")
        self.assertEqual(self.heard(), {"signal": signal.SIGHUP, "pid": os.getpid(), "below": 0})
        self.order("ea")
        self.heard()
        self.process.send_signal(signal.SIGSTOP)
        self.wait_until(lambda: processes.stat(self.process.pid).state == "T")
        os.kill(pid, signal.SIGKILL)
        self.wait_until(lambda: processes.stat(pid).state == "Z")
        self.process.send_signal(signal.SIGTERM)
        self.process.send_signal(signal.SIGCONT)
        self.heard()
        self.order("r")
        self.assertEqual(self.heard()["signal"], signal.SIGTERM)

    def test_the_ends_of_orphans_are_told_to_an_established_master(self):
        pid = self.guardian()["pid"]
        self.order("o")
        orphan = self.heard()["orphan"]
        self.wait_until(lambda: processes.stat(orphan).state == "Z")  # nobody could be told yet
        os.kill(pid, signal.SIGKILL)
        self.heard()
        self.order("er")
        self.assertEqual(self.heard(), {"exited": orphan, "kind": 1, "code": 9, "core": 0})
        processes.wait_gone(orphan)

    def test_systemd_is_told_in_its_name(self):
        path = self.directory / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(path))
            systemd.settimeout(20.0 * SCALE)
            self.guardian(NOTIFY_SOCKET=str(path))
            self.order("n")
            self.assertEqual(systemd.recv(4096), b"READY=1\nSTATUS=serving")

    def test_a_crash_loop_is_slowed_down(self):
        pid = self.guardian()["pid"]
        self.order("e")
        begun = time.monotonic()
        for _ in range(5):
            os.kill(pid, signal.SIGKILL)
            pid = self.heard()["pid"]
        self.assertGreater(time.monotonic() - begun, 0.1 + 0.2 + 0.4)


class GuardianProgramChecked(GuardianProgram):
    """The same with the sanitizers that this build has."""

    program = "liveswap-guardian-checked"
