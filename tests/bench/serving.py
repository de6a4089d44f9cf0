"""Requests per second of one program that is run bare and in each way of supervising it, and the cost of a switch.

All run at once and are asked in turn, in short slices, so that what else the machine does hits each alike; a ratio is
that of two neighbouring slices. What the program computes for each request tells the same on a machine that is busy.
"""

import json
import os
import statistics
import subprocess

from harness import Liveswap, Process, build, net, processes

# By name: what the app says of its protocol, and the listeners.
WAYS = {
    "systemd": ("systemd", "listeners: {http: \"tcp://127.0.0.1:0\"}"),
    "steered": ("systemd", "listeners: {http: {address: \"tcp://127.0.0.1:0\", handoff: steered}}"),
    "bind": ("bind", ""),
}
CONFIG = """
{listeners}
apps:
  bench:
    command: [{program}]
    protocol: {protocol}
    env: {{PORT: {port}}}
"""
AIM = 0.99
LOADS = {"new connections": "close", "kept connections": "keep-alive"}


class Serving:
    """The bare program and the supervised ones, all of which serve."""

    def __init__(self, directory):
        program = build.program("http_worker")
        port = net.free_port()
        # In a session of its own, as the others are: the scheduler shares by session.
        self.bare = Process([program], env={**os.environ, "PORT": str(port)}, session=True)
        self.addresses = {"bare": f"tcp://127.0.0.1:{port}"}
        self.pids = {"bare": self.bare.pid}
        self.masters = []
        for name, (protocol, listeners) in WAYS.items():
            folder = directory / name
            folder.mkdir()
            port = net.free_port()
            config = CONFIG.format(listeners=listeners, program=program, protocol=protocol, port=port)
            self.masters.append(Liveswap(folder, config).start(60.0))
            self.pids[name] = self.masters[-1].workers("ready")[0]["pid"]
            self.addresses[name] = f"tcp://127.0.0.1:{port}" if protocol == "bind" else self.masters[-1].address("http")

    def close(self):
        self.bare.close()
        for master in self.masters:
            master.stop()
            master.close()


def requests_per_second(address, mode, seconds):
    run = subprocess.run([build.program("hammer"), "--mode", mode, "--connections", "16", "--seconds", str(seconds),
                          address], stdout=subprocess.PIPE, check=True, text=True)
    result = json.loads(run.stdout.splitlines()[-1])
    if result["failed"]:
        raise AssertionError(f"requests failed: {result}")
    return result["successes"] * 1000 / result["ms"]


def measure(directory, quick):
    """For each load and way: the median of requests per second, and the quartiles of the ratios to the bare program."""
    rounds, seconds = (5, 0.4) if quick else (25, 0.6)
    serving = Serving(directory)
    try:
        # The master looks for a moment who else has the listeners; and the first slice warms caches up.
        processes.wait_until(lambda: all(requests_per_second(address, "close", 0.1) > 0
                                         for address in serving.addresses.values()))
        return [row for load, mode in LOADS.items() for row in _measured(serving, load, mode, rounds, seconds)]
    finally:
        serving.close()


def _measured(serving, load, mode, rounds, seconds):
    names = list(serving.addresses)
    rates = {name: [] for name in names}
    computed = {name: [] for name in names}
    for turn in range(rounds):
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            before = processes.cpu_us(serving.pids[name])
            rates[name].append(requests_per_second(serving.addresses[name], mode, seconds))
            computed[name].append((processes.cpu_us(serving.pids[name]) - before) / rates[name][-1] / seconds)
    for name in names:
        low, middle, high = statistics.quantiles([rate / bare for rate, bare in zip(rates[name], rates["bare"])], n=4)
        yield {"load": load, "way": name, "per_second": statistics.median(rates[name]), "ratio": middle,
               "ratio_quartiles": [low, high], "us_each": statistics.median(computed[name])}


def switching(quick):
    """Microseconds that it takes to tell the kernel which sides get what is new, for each number of sides."""
    run = subprocess.run([build.program("switch_cost"), "1000" if quick else "10000", "2", "8", "64"],
                         stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def show(rows):
    print(f"""
Requests per second of one program, http_worker: bare, that is, not supervised, and in
each way; and what it computes for each. Medians of slices in turn; the ratio to bare,
and its quartiles. Aim: at least {AIM:g}, as far as the spread lets one tell.

load              way      per second  computes   ratio   quartiles""")
    for row in rows:
        low, high = row["ratio_quartiles"]
        aim = "" if row["way"] == "bare" else "ok" if row["ratio"] >= AIM or low <= AIM <= high else "MISSED"
        if aim == "ok" and row["ratio"] < AIM:
            aim = "within the spread"
        figures = "" if row["way"] == "bare" else f"  {row['ratio']:6.3f}   {low:.3f} {high:.3f}  {aim}"
        print(f"{row['load']:16}  {row['way']:7}  {row['per_second']:10.0f}  {row['us_each']:5.1f} us{figures}")


def show_switching(rows):
    print("""
A switch: one setsockopt, that steers a group of so many sides to one of them (a queue
for each generation), or to half of them (one for each worker); median and 99th percentile.

sides      to one         to half""")
    for row in rows:
        print(f"{row['sides']:5}  {row['one_us']:5.1f} {row['one_p99_us']:5.1f} us  {row['half_us']:5.1f} "
              f"{row['half_p99_us']:5.1f} us")
