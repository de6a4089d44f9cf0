#!/usr/bin/env python3
"""bench.py [--quick] [--json]: what an upgrade costs, against a loop that does the bare minimum; what idling costs;
what it costs to count the connections of a worker; what a supervised program serves, against a bare one; what it costs
to steer; how long there is no master when one is killed.

Run it by ./dev bench. Both supervisors run the same worker program, take turns, and are measured in one run, so the
ratios mean something where the milliseconds, on a busy machine, do not.
"""

import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import Liveswap, Process, build, processes  # noqa: E402  (found by the line above)
from harness.varlink import Varlink  # noqa: E402
import serving  # noqa: E402

CONFIG = """
listeners:
  http: tcp://127.0.0.1:0
apps:
  bench:
    command: [{program}]
    workers: {workers}
"""
# One worker that keeps what it accepts, whatever it is asked.
KEEPING = """
listeners: {{http: {{address: "tcp://127.0.0.1:0", backlog: 4096}}}}
apps:
  bench:
    command: [/usr/bin/python3, {worker}]
    env: {{STUBBORN: yes}}
    drain: {{timeout: infinity}}
    stop: {{timeout: 0s}}
"""
KEPT_WORKER = pathlib.Path(__file__).resolve().parents[1] / "integration" / "kept_worker.py"
AIM_COUNT_SHARE = 1.5  # percent: 1 for the counts, at any number of connections, and the looks between them
AIM_RATIO = 1.5  # for 8 workers and more
AIM_PSS_KB = 6 * 1024
AIM_AWAY_MS = 100


class Bench:
    def __init__(self, directory, quick):
        self.directory = pathlib.Path(directory)
        self.rounds = 5 if quick else 15
        self.idle_s = 5 if quick else 30
        self.counting_s = 5 if quick else 20
        self._masters = 0

    def master(self, program, workers):
        self._masters += 1
        folder = self.directory / str(self._masters)
        folder.mkdir()
        return Liveswap(folder, CONFIG.format(program=build.program(program), workers=workers)).start(60.0)

    def upgrades(self, program, workers):
        """Medians in ms of one worker program and one number of workers, the supervisors taking turns."""
        bare = Process([build.program("bare_loop"), build.program(program), str(workers)], stdin=subprocess.PIPE)
        master = self.master(program, workers)
        times = {"bare asked": [], "bare reaped": [], "asked": [], "reaped": [], "liveswapctl": []}
        try:
            with Varlink(master.control) as control:
                for turn in range(self.rounds + 1):
                    asked, reaped = bare_upgrade(bare)
                    took = {"bare asked": asked, "bare reaped": reaped,
                            "asked": timed(lambda: upgrade(control, "committed"))}
                    control.call("Wait", wait="drained")
                    took["reaped"] = timed(lambda: upgrade(control, "drained"))
                    took["liveswapctl"] = timed(lambda: master.ctl("upgrade", status=0))
                    control.call("Wait", wait="drained")
                    if turn > 0:  # the first upgrade warms caches up, and the bare loop has nobody to replace yet
                        for name, ms in took.items():
                            times[name].append(ms)
        finally:
            bare.stdin.close()
            bare.wait()
            bare.close()
            master.stop()
            master.close()
        return {name: statistics.median(values) for name, values in times.items()}

    def counting(self, connections):
        """What it costs to count a worker with so many connections: once, and again and again while it drains."""
        self._masters += 1
        folder = self.directory / str(self._masters)
        folder.mkdir()
        master = Liveswap(folder, KEEPING.format(worker=KEPT_WORKER)).start(60.0)
        clients = []
        try:
            address, _, port = master.address("http").removeprefix("tcp://").rpartition(":")
            with Varlink(master.control) as control:
                control.call("Upgrade", wait="drained")  # to a worker that nobody has counted
                pid = master.workers("ready")[0]["pid"]
                processes.wait_until(lambda: is_quiet(pid))
                own = fds(pid)
                for _ in range(connections):
                    clients.append(socket.create_connection((address, int(port))))
                processes.wait_until(lambda: fds(pid) >= own + connections, 60.0)
                time.sleep(1.0)  # until it may be counted again: it was, with nothing open, which takes milliseconds
                before = processes.cpu_us(master.pid)
                once = timed(lambda: counted(control, "ready", connections))
                computed = processes.cpu_us(master.pid) - before
                control.call("Upgrade", wait="committed")
                processes.wait_until(lambda: counted(control, "draining", connections))
                before = processes.cpu_us(master.pid)
                time.sleep(self.counting_s)  # the span that is measured
                share = (processes.cpu_us(master.pid) - before) / self.counting_s / 10_000
                return {"connections": connections, "once_ms": once, "us_each": computed / connections,
                        "draining_cpu_percent": share}
        finally:
            for client in clients:
                client.close()
            master.ctl("shutdown", "--now")
            master.process.wait(60)
            master.close()

    def away(self, workers):
        """Median of the ms from a master's death until the next one answers. Each one is its guardian's first."""
        took = []
        for _ in range(self.rounds // 2):
            master = self.master("ready_worker_static", workers)
            try:
                os.kill(master.pid, signal.SIGKILL)

                def answered():
                    with Varlink(master.control) as control:
                        control.call("Ping")
                took.append(timed(answered))
                assert len(master.workers("ready")) == workers
            finally:
                master.stop()
                master.close()
        return {"workers": workers, "ms": statistics.median(took)}

    def idle(self, workers):
        """What a master with so many workers costs while nothing happens, after some upgrades."""
        master = self.master("ready_worker_static", workers)
        try:
            with Varlink(master.control) as control:
                for _ in range(5):
                    upgrade(control, "drained")
            processes.wait_until(lambda: is_quiet(master.pid))  # it looks for a moment who else has the listeners
            before = switches(master.pid), processes.cpu_us(master.pid)
            time.sleep(self.idle_s)  # the span that is measured: nothing is waited for, and nothing shall happen
            after = switches(master.pid), processes.cpu_us(master.pid)
            return {"pss_kb": processes.memory_kb(master.pid, "Pss"), "rss_kb": processes.memory_kb(master.pid, "Rss"),
                    "wake_ups": after[0] - before[0], "cpu_us": after[1] - before[1], "seconds": self.idle_s,
                    "threads": len(list(pathlib.Path(f"/proc/{master.pid}/task").iterdir()))}
        finally:
            master.stop()
            master.close()


def counted(control, state, connections):
    """Whether the only worker in that state is known to have so many connections."""
    workers = control.call("Status")["apps"][0]["workers"]
    return [worker["connections"] for worker in workers if worker["state"] == state] == [connections]


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory_folder():
    """Where /run would be: the runtime directory of a master lies in memory. None: wherever temporary files are."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None


def timed(action):
    begun = time.monotonic()
    action()
    return (time.monotonic() - begun) * 1000


def upgrade(control, wait):
    outcome = control.call("Upgrade", wait=wait)["outcome"]
    if outcome["result"] != "done":
        raise AssertionError(f"the upgrade ended with {outcome}")


def bare_upgrade(bare):
    seen = bare.out.count()
    bare.stdin.write("\n")
    bare.stdin.flush()
    asked, reaped = bare.wait_line(r"^(\d+) (\d+)$", timeout=60, stream="out", skip=seen).groups()
    return int(asked) / 1000, int(reaped) / 1000


def is_quiet(pid):
    before = switches(pid)
    time.sleep(0.2)
    return switches(pid) == before


def switches(pid):
    """How often all threads of a process have been switched to."""
    count = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if "ctxt_switches" in line:
                count += int(line.split()[1])
    return count


def verdict(good):
    return "ok" if good else "MISSED"


def print_upgrade_head(rounds):
    load, processors = os.getloadavg()[0], os.cpu_count()
    print(f"""\
Upgrade wall time in ms, median of {rounds}. asked: all new workers are ready and the
old ones were asked to end; reaped: the old ones are gone. liveswap is asked over
its control socket; liveswapctl is that with the client's start, and progress.
Aim: at most {AIM_RATIO} x from 8 workers. A busy machine has worse ratios: the load is
{load:.1f} on {processors} processors.

workers  program    bare loop          liveswap      liveswapctl     ratio
                  asked   reaped    asked   reaped      asked   asked  reaped""")


def print_upgrade(workers, program, row):
    ratios = row["asked"] / row["bare asked"], row["reaped"] / row["bare reaped"]
    aim = verdict(ratios[0] <= AIM_RATIO) if workers >= 8 else ""
    print(f"{workers:7}  {program:7}{row['bare asked']:7.2f}  {row['bare reaped']:7.2f}  {row['asked']:7.2f}  "
          f"{row['reaped']:7.2f}  {row['liveswapctl']:9.2f}  {ratios[0]:6.2f}  {ratios[1]:6.2f} {aim}", flush=True)


def print_idle(idle):
    print()
    print(f"The master, with 8 workers, idle for {idle['seconds']} s:")
    print(f"  memory (PSS)    {idle['pss_kb']:6} kB   {verdict(idle['pss_kb'] < AIM_PSS_KB)}"
          f" (aim: under {AIM_PSS_KB} kB; RSS {idle['rss_kb']} kB, {idle['threads']} threads)")
    print(f"  wake-ups        {idle['wake_ups']:6}      {verdict(idle['wake_ups'] == 0)} (aim: none)")
    print(f"  computing       {idle['cpu_us']:6} us")


def print_away(rows):
    print("\nFrom the death of a master (SIGKILL) until the next one answers:")
    for row in rows:
        print(f"  {row['workers']:2} workers   {row['ms']:7.1f} ms  {verdict(row['ms'] < AIM_AWAY_MS)}"
              f" (aim: under {AIM_AWAY_MS} ms)")


def print_counting(rows):
    print(f"""
Connections of one worker, counted from outside. once: status, asked for the first
time, and what the master computed for each connection; draining: the share of a
processor that it takes to count on and on. Aim: at most {AIM_COUNT_SHARE:g} %.

connections        once     each  draining""")
    for row in rows:
        share = row["draining_cpu_percent"]
        print(f"{row['connections']:11}  {row['once_ms']:7.2f} ms  {row['us_each']:5.1f} us  {share:6.2f} %"
              f"  {verdict(share <= AIM_COUNT_SHARE)}")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description="Upgrades against a bare C loop; idling; serving.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, up to 8 workers, and 5 idle seconds")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args()
    processes.become_subreaper()
    results = {"upgrades": []}
    with tempfile.TemporaryDirectory(prefix="liveswap-bench-", dir=memory_folder()) as directory:
        bench = Bench(directory, options.quick)
        try:
            if not options.json:
                print_upgrade_head(bench.rounds)
            for workers in (1, 2, 8) if options.quick else (1, 2, 8, 64):
                for program in ("static", "dynamic"):
                    row = bench.upgrades("ready_worker" + ("_static" if program == "static" else ""), workers)
                    results["upgrades"].append({"workers": workers, "program": program, **row})
                    if not options.json:
                        print_upgrade(workers, program, row)
            results["idle"] = bench.idle(8)
            results["away"] = [bench.away(number) for number in ((8,) if options.quick else (8, 64))]
            results["counting"] = [bench.counting(number) for number in ((10, 1000) if options.quick else
                                                                         (10, 1000, 10_000))]
            results["serving"] = serving.measure(bench.directory, options.quick)
            results["switching"] = serving.switching(options.quick)
            if options.json:
                print(json.dumps(results))
            else:
                print_idle(results["idle"])
                print_away(results["away"])
                print_counting(results["counting"])
                serving.show(results["serving"])
                serving.show_switching(results["switching"])
        finally:
            processes.kill_left_over()
    return 0


if __name__ == "__main__":
    sys.exit(main())
