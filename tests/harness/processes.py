"""Processes that a test starts, waits for and is rid of at its end.

The runner is a subreaper: whatever a process under test leaves behind becomes the runner's child, can be found,
and is ended with the test. Ends are awaited by pidfd, lines by a reader thread, so nobody sleeps and hopes.
"""

import collections
import ctypes
import dataclasses
import os
import pathlib
import re
import select
import signal
import subprocess
import threading
import time

_PR_SET_CHILD_SUBREAPER = 36
_KEPT_LINES = 20000


def become_subreaper():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def wait_until(predicate, timeout=10.0, what=None):
    """Returns the first true value of predicate(). For what no descriptor tells; elsewhere wait for the event."""
    deadline = time.monotonic() + timeout
    pause = 0.001
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout:g} s: {what or predicate}")
        time.sleep(pause)  # any predicate is asked again: procfs and other programs' answers announce no change
        pause = min(pause * 1.5, 0.05)


def wait_readable(fds, timeout):
    """The descriptors of fds that are readable within timeout; none of them: an empty set."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return {fd for fd, _ in poll.poll(max(0, int(timeout * 1000)))}


def wait_gone(pid, timeout=10.0):
    """Waits until that process, of whichever parent, has ended (reaped or not)."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not wait_readable([pidfd], timeout):
            raise AssertionError(f"process {pid} ({command_line(pid)}) still there after {timeout:g} s")
    finally:
        os.close(pidfd)


class held:
    """A process of whichever parent, held by a pidfd: a signal through it meets that process or none."""

    def __init__(self, pid):
        self.pidfd = os.pidfd_open(pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.pidfd)

    def signal(self, number):
        signal.pidfd_send_signal(self.pidfd, number)


@dataclasses.dataclass(frozen=True)
class Stat:
    pid: int
    name: str
    state: str
    parent: int
    start: int


def stat(pid):
    """/proc/PID/stat, or None where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Stat(pid, head.partition("(")[2], fields[0], int(fields[1]), int(fields[19]))


def alive(pid):
    """There, and not a zombie."""
    found = stat(pid)
    return found is not None and found.state not in "ZX"


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "?"


def environment(pid):
    """The environment that the process was started with."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        pairs = (entry.partition(b"=") for entry in file.read().split(b"\0") if entry)
        return {key.decode(errors="replace"): value.decode(errors="replace") for key, _, value in pairs}


def descriptors(pid):
    """{number: what it is} of a process."""
    found = {}
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(entry)] = os.readlink(f"/proc/{pid}/fd/{entry}")
        except FileNotFoundError:
            pass
    return found


def cpu_us(pid):
    """What all threads of a process have computed, in microseconds."""
    return sum(int((task / "schedstat").read_text().split()[0]) // 1000
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def memory_kb(pid, field="Pss"):
    """A field of /proc/PID/smaps_rollup: Rss, Pss, Private_Dirty, …"""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise KeyError(field)


def program(pid):
    """The name of the file that it executes; None for one that is gone, or another user's."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None


def children(pid):
    """The pids of its children, in the order of their start."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def descendants(pid):
    """The Stat of every process below pid, zombies too, parents before children."""
    children = collections.defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            found = stat(int(entry))
            if found is not None:
                children[found.parent].append(found)
    below, todo = [], [pid]
    while todo:
        found = children.get(todo.pop(), [])
        below += found
        todo += [child.pid for child in found]
    return below


def left_over():
    """The living processes below this one, as text; zombies that became ours are reaped first."""
    reap_orphans()
    return [f"{s.pid} {s.name} ({command_line(s.pid)})" for s in descendants(os.getpid()) if s.state not in "ZX"]


def reap_orphans():
    """Reaps the dead that were not started by a Process (those are reaped by their own wait)."""
    for child in descendants(os.getpid()):
        if child.parent == os.getpid() and child.state == "Z" and child.pid not in Process.unreaped:
            try:
                os.waitpid(child.pid, os.WNOHANG)
            except ChildProcessError:
                pass


def kill_left_over(timeout=10.0):
    """Kills whatever still lives below this process, by pid, until nothing does."""
    deadline = time.monotonic() + timeout
    while True:
        reap_orphans()
        living = [s for s in descendants(os.getpid()) if s.state not in "ZX"]
        if not living:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"cannot end {[s.pid for s in living]}")
        for found in living:
            try:
                pidfd = os.pidfd_open(found.pid)
            except ProcessLookupError:
                continue
            try:
                now = stat(found.pid)
                if now is not None and now.start == found.start:
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                    wait_readable([pidfd], 1.0)
            except ProcessLookupError:
                pass
            finally:
                os.close(pidfd)


class _Output:
    """One stream of a process, read as it comes, so that a full pipe never holds the process up."""

    def __init__(self, stream):
        self.lines = collections.deque(maxlen=_KEPT_LINES)
        self._count = 0
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._count += 1
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def text(self):
        with self._changed:
            return "\n".join(self.lines)

    def count(self):
        with self._changed:
            return self._count

    def wait_line(self, pattern, timeout, skip):
        """The match of the first line after the first `skip` ones that pattern is found in."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + timeout
        seen = skip
        with self._changed:
            while True:
                kept = list(self.lines)
                for line in kept[max(0, len(kept) - (self._count - seen)):] if self._count > seen else []:
                    match = expression.search(line)
                    if match:
                        return match
                seen = max(seen, self._count)
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the stream ended" if self._ended else f"not within {timeout:g} s"
                    raise AssertionError(f"no line like {pattern!r} ({why}) in:\n" + "\n".join(kept[-30:]))
                self._changed.wait(left)

    def join(self, timeout):
        self._thread.join(timeout)


class Process:
    """A started program, in a process group (or session) of its own, with its standard output and error being read."""

    unreaped = set()

    def __init__(self, argv, *, env=None, cwd=None, name=None, stdin=subprocess.DEVNULL, pass_fds=(),
                 session=False):
        self.argv = [os.fspath(word) for word in argv]
        self.name = name or os.path.basename(self.argv[0])
        self._popen = subprocess.Popen(
            self.argv, env=env, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=pass_fds, start_new_session=session, process_group=None if session else 0, encoding="utf-8",
            errors="replace")
        self.pid = self._popen.pid
        Process.unreaped.add(self.pid)
        self.pidfd = os.pidfd_open(self.pid)
        self.stdin = self._popen.stdin
        self.out = _Output(self._popen.stdout)
        self.err = _Output(self._popen.stderr)

    @property
    def status(self):
        """The exit status (a signal is negative), or None while it runs."""
        status = self._popen.poll()
        if status is not None:
            Process.unreaped.discard(self.pid)
        return status

    def signal(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def wait(self, timeout=10.0):
        """Waits for its end; returns its exit status."""
        if not wait_readable([self.pidfd], timeout):
            raise AssertionError(f"{self.name} ({self.pid}) still runs after {timeout:g} s; it said:\n{self.tail()}")
        status = self.status
        if status is None:
            status = self._popen.wait()
            Process.unreaped.discard(self.pid)
        return status

    def wait_line(self, pattern, timeout=10.0, stream="err", skip=0):
        return getattr(self, stream).wait_line(pattern, timeout, skip)

    def tail(self, lines=40):
        return "\n".join((self.err.text().split("\n") + self.out.text().split("\n"))[-lines:])

    def close(self):
        """Kills it if it still runs. Its descendants are kill_left_over()'s."""
        if self.status is None:
            self.signal(signal.SIGKILL)
            self.wait()
        if self.stdin is not None:
            self.stdin.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1

    def finish_output(self, timeout=5.0):
        """Call it once nobody can hold the streams any more: all that was written is then in out and err."""
        self.out.join(timeout)
        self.err.join(timeout)
