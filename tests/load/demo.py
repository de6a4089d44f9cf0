#!/usr/bin/env python3
"""The demonstration behind ./dev demo: a service under load is upgraded, well and badly, its master is killed, and
every failure counted.
"""

import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import textwrap
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import Liveswap, Process, build, processes  # noqa: E402  (found by the line above)

WORKERS = 4
CLIENTS = 32  # of each kind
BAR = 24
PAUSE_S = 3.0

CONFIG = """\
listeners:
  http: tcp://127.0.0.1:0
apps:
  shop:
    command: [{worker}]
    workers: 4
    ready: {{timeout: 2s}}
    env: {{VERSION: {version}, FAULT: {fault}}}
"""

TROUBLES = {"refused": "refused", "reset_before": "reset", "reused_reset": "reset", "eof_before": "closed early",
            "reused_eof": "closed early", "truncated": "truncated", "timeout": "timed out", "bad_status": "bad status",
            "client": "no port"}


class Load:
    """Clients of one kind."""

    def __init__(self, address, mode):
        self.process = Process([build.program("hammer"), "--mode", mode, "--connections", str(CLIENTS), "--seconds",
                                "300", "--live", "250", address])
        self._seen = 0

    def news(self):
        """The live lines since the last call."""
        lines = list(self.process.out.lines)
        fresh = [json.loads(line) for line in lines[self._seen:]]
        self._seen = len(lines)
        return [line for line in fresh if line["type"] == "live"]

    def result(self):
        self.process.signal(15)
        self.process.wait()
        self.process.finish_output()
        return json.loads(self.process.out.lines[-1])


class Demo:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.master = Liveswap(self.directory, None, name="shop")
        self.loads = []
        self.begun = self.shown = 0.0
        self.upgrades = {"done": 0, "rolled back": 0}

    def configure(self, version, fault):
        self.master.configure(CONFIG.format(worker=build.program("http_worker"), version=version, fault=fault))

    def watch(self, seconds):
        """A line a second: how many requests, answered by whom, and what failed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(1.0, max(0.0, end - time.monotonic())))
            news = [line for load in self.loads for line in load.news()]
            versions, failed = {}, 0
            for line in news:
                failed += sum(line["failures"].values())
                for version, count in line["versions"].items():
                    versions[version] = versions.get(version, 0) + count
            now = time.monotonic()
            rate = sum(versions.values()) / (now - self.shown)
            self.shown = now
            print(f"  {now - self.begun:5.1f} s {rate:9,.0f} requests/s  {bar(versions):{BAR + 12}} {failed:3} failed",
                  flush=True)

    def upgrade(self, what, version, fault="none", shown=3):
        """Rolls a version out; shows the last lines of what liveswapctl says. True if that was to be expected."""
        print(f"\n  {what}", flush=True)
        self.configure(version, fault)
        begun = time.monotonic()
        result = self.master.ctl("upgrade")
        took = (time.monotonic() - begun) * 1000
        print("  $ liveswapctl upgrade")
        lines = result.out.splitlines()
        if len(lines) > shown:
            print("    …")
        for line in lines[-shown:] + result.err.splitlines():
            line = line.replace(f" --control {self.master.control}", "")
            print(textwrap.fill(line, 78, initial_indent="    ", subsequent_indent="      "))
        print(f"  → exit status {result.status}, after {took:.0f} ms\n", flush=True)
        self.upgrades["done" if result.status == 0 else "rolled back"] += 1
        return result.status == (0 if fault == "none" else 1)

    def run(self):
        self.configure("v1", "none")
        self.master.start(30.0)
        address = self.master.address("http")
        print(f"liveswap runs {WORKERS} workers of an HTTP service, v1, on {address}.\n"
              f"{CLIENTS} clients make a new connection for each request, {CLIENTS} keep theirs; each asks\n"
              "again as soon as it is answered. Every failure is counted.\n", flush=True)
        self.loads = [Load(address, "close"), Load(address, "keep-alive")]
        self.begun = self.shown = time.monotonic()
        self.watch(PAUSE_S)
        as_expected = [self.upgrade("v2 is there. Its workers get the same listening socket as v1's.", "v2", shown=99)]
        self.watch(PAUSE_S)
        as_expected.append(self.upgrade("Now v3.", "v3"))
        self.watch(PAUSE_S)
        as_expected.append(self.upgrade("v4 is broken: it ends as soon as it is started. v3 must go on.", "v4", "exit"))
        self.watch(PAUSE_S)
        as_expected.append(self.upgrade("v5 is mended.", "v5"))
        self.watch(PAUSE_S)
        as_expected.append(self.kill_master())
        self.watch(PAUSE_S)
        return self.tell([load.result() for load in self.loads]) and all(as_expected)

    def kill_master(self):
        """Returns whether another one has taken over all workers."""
        before = [(worker["pid"], worker["slot"]) for worker in self.master.workers("ready")]
        old, killed = self.master.pid, time.monotonic()
        print(f"  The master itself is killed.\n  $ kill -9 {old}")
        os.kill(old, signal.SIGKILL)
        self.master.ctl("ping", status=0)
        took = (time.monotonic() - killed) * 1000
        same = [(worker["pid"], worker["slot"]) for worker in self.master.workers("ready")] == before
        print(f"  → PID {self.master.pid} is the master now and answers, {took:.0f} ms later; the workers are "
              f"{'the same' if same else 'others'}\n", flush=True)
        return same and self.master.pid != old

    def tell(self, results):
        """What came of it, in plain words; returns whether nothing was lost."""
        failed = sum(result["failed"] for result in results)
        kinds = {}
        for result in results:
            for name, count in result["failures"].items():
                kinds[TROUBLES[name]] = kinds.get(TROUBLES[name], 0) + count
        versions = {}
        for row in (row for result in results for row in result["workers"]):
            versions[row["version"]] = versions.get(row["version"], 0) + row["successes"]
        print(f"\n  answered   {sum(versions.values()):,} requests: "
              + ", ".join(f"{name} {count:,}" for name, count in sorted(versions.items())))
        print(f"  failed     {failed}: " + (", ".join(f"{name} {count}" for name, count in kinds.items() if count)
                                       or "none refused, reset, closed early, truncated or timed out"))
        print(f"  upgrades   {self.upgrades['done']} done, {self.upgrades['rolled back']} rolled back")
        slowest = max(result["max_us"] for result in results) / 1000
        gap = max(result["longest_gap_ms"] for result in results)
        print(f"  slowest    {slowest:.0f} ms for one request; never more than {gap} ms without an answer")
        self.master.stop()
        print("\nNo request was lost." if failed == 0 else f"\n{failed} requests were lost.")
        return failed == 0

    def close(self):
        for load in self.loads:
            load.process.close()
        self.master.close()
        processes.kill_left_over()


def bar(versions):
    """Shares of the versions as a bar: `v1 ######## v2 ####`."""
    total = sum(versions.values())
    if not total:
        return "nobody answers"
    parts = []
    for name, count in sorted(versions.items()):
        parts.append(name + " " + "█" * max(1, round(BAR * count / total)))
    return " ".join(parts)


def main():
    if shutil.get_terminal_size().columns < 80 and sys.stdout.isatty():
        print("(this looks best 80 columns wide)")
    processes.become_subreaper()
    with tempfile.TemporaryDirectory(prefix="liveswap-demo-") as directory:
        demo = Demo(directory)
        try:
            return 0 if demo.run() else 1
        finally:
            demo.close()


if __name__ == "__main__":
    sys.exit(main())
