"""Connections that break while a command waits: the answer is right, and what was asked for is done once.

Between liveswapctl and the master stands a proxy, which cuts a connection at a message that the test names."""

import contextlib
import json
import secrets
import selectors
import signal
import socket
import threading
import time

from harness import TestCase, build, net
from harness.varlink import Varlink, VarlinkError

AWAY = "the master went away; waiting for it to come back"
CONFIG = f"""listeners:
  http: tcp://127.0.0.1:0
apps:
  web:
    command: [{build.program("http_worker")}]
    workers: 2
"""


class Proxy:
    """Passes messages on, until `cut` says of one, once, that both ends are to see their connection end.

    `cut(to_master, message)`: "before", the message is lost; "after", it is passed on first; "away", likewise, and
    until listen() nobody can connect again."""

    def __init__(self, path, master, cut):
        self.path = path
        self.calls = []  # methods, as they came
        self._master = master
        self._cut = cut
        self.listen()

    def listen(self):
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):  # it is closed already
            self._listener.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener):
        with listener, contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client):
        with client, socket.socket(socket.AF_UNIX) as upstream, contextlib.suppress(OSError):
            upstream.connect(str(self._master))
            held = {client: b"", upstream: b""}
            with selectors.DefaultSelector() as ready:
                for each in held:
                    ready.register(each, selectors.EVENT_READ)
                while True:
                    for key, _ in ready.select():
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        *messages, held[key.fileobj] = (held[key.fileobj] + data).split(b"\0")
                        to_master = key.fileobj is client
                        for message in messages:
                            if not self._pass_on(to_master, message, upstream if to_master else client):
                                return

    def _pass_on(self, to_master, message, to):
        content = json.loads(message)
        if to_master:
            self.calls.append(content["method"].rpartition(".")[2])
        where = self._cut and self._cut(to_master, content)
        if where:
            self._cut = None
        if where == "away":
            self.close()
        if where != "before":
            to.sendall(message + b"\0")
        return not where


def call_of(method):
    return lambda to_master, message: to_master and message["method"].endswith("." + method)


def event_of(name):
    return lambda to_master, message: (not to_master
                                       and ((message.get("parameters") or {}).get("event") or {}).get("event") == name)


def is_answer(to_master, message):
    return not to_master and not message.get("continues")


def at(where, matches):
    return lambda *message: where if matches(*message) else None


class Cut(TestCase):
    def start(self, cut):
        master = self.liveswap(CONFIG)
        return master, self.proxy(master, cut)

    def proxy(self, master, cut):
        proxy = Proxy(self.directory / f"{secrets.token_hex(4)}.sock", master.control, cut)
        self.addCleanup(proxy.close)
        return proxy

    def client(self, proxy, *command):
        return self.run_process(build.program("liveswapctl"), "--control", str(proxy.path), *command)

    def ended(self, client, status, timeout=60.0):
        self.assertEqual(client.wait(timeout), status, client.tail())
        client.finish_output()
        return client

    def rollouts(self, master):
        with Varlink(master.control) as varlink:
            return [rollout["kind"] for rollout in varlink.call("History")["apps"][0]["rollouts"]]

    def cut_while_upgrading(self, cut, calls, status=0, command=()):
        """An upgrade whose connection is cut there; these calls were made, and one upgrade came of it."""
        master, proxy = self.start(cut)
        client = self.ended(self.client(proxy, "upgrade", *command), status)
        self.assertEqual(proxy.calls, calls)
        self.assertEqual(client.err.text().count(AWAY), 1, client.tail())
        self.assertEqual(self.rollouts(master), ["start", "upgrade"])
        return master, client

    def test_before_the_call_has_arrived_it_is_said_again(self):
        master, client = self.cut_while_upgrading(at("before", call_of("Upgrade")), ["Upgrade", "Attach", "Upgrade"])
        self.assertIn("web: r2 (g2) serves: 2 of 2 workers ready", client.out.text())
        self.ended_well(master)

    def test_after_the_call_has_arrived_its_answer_is_waited_for(self):
        _, client = self.cut_while_upgrading(at("after", call_of("Upgrade")), ["Upgrade", "Attach"])
        self.assertIn("web: r2 (g2) serves: 2 of 2 workers ready", client.out.text())

    def test_in_the_middle_events_go_on_after_the_cut(self):
        _, client = self.cut_while_upgrading(at("after", event_of("rollout_started")), ["Upgrade", "Attach"])
        self.assertIn("web: r2 (g2) serves: 2 of 2 workers ready", client.out.text())

    def test_an_answer_that_was_given_and_not_delivered_is_given_again(self):
        _, client = self.cut_while_upgrading(at("before", is_answer), ["Upgrade", "Attach"])
        self.assertIn("web: r2 (g2) serves: 2 of 2 workers ready", client.out.text())

    def test_a_failure_is_told_like_any_other_answer(self):
        dies = self.script("dies", "echo no module named x >&2\nexit 3\n")
        for cut in (at("before", is_answer), at("after", event_of("rollout_started"))):
            with self.subTest(cut=cut):
                _, client = self.cut_while_upgrading(cut, ["Upgrade", "Attach"], status=1, command=("--", str(dies)))
                self.assertIn("rolled back: a worker ended before it was ready: exit status 3", client.err.text())
                self.assertIn("    | no module named x\n", client.err.text())
                self.assertIn("  r1 (g1) serves: 2 of 2 workers ready", client.err.text())

    def test_a_call_that_is_said_again_and_refused_says_why(self):
        master, proxy = self.start(at("before", is_answer))
        client = self.ended(self.client(proxy, "upgrade", "wbe"), 2)
        self.assertIn('there is no app "wbe" (did you mean "web"?)', client.err.text())
        self.assertEqual(proxy.calls, ["Upgrade", "Attach", "Upgrade"])
        self.assertEqual(self.rollouts(master), ["start"])

    def test_a_cut_is_an_object_where_json_is_wanted(self):
        master, proxy = self.start(at("before", is_answer))
        client = self.ended(self.client(proxy, "scale", "+1", "--json"), 0)
        objects = [json.loads(line) for line in client.out.text().splitlines()]
        away = [each for each in objects if each.get("event") == "master_away"]
        self.assertEqual(away, [{"type": "event", "event": "master_away", "level": "warn", "message": AWAY}])
        self.assertEqual((objects[-1]["result"], objects[-1]["serving"]), ("done", 3))
        self.assertEqual(client.err.text(), "")
        self.assertEqual(master.status()["apps"][0]["workers_wanted"], 3)

    def test_every_command_that_waits_comes_back(self):
        master = self.liveswap(CONFIG)
        for command, method, status in ((["restart"], "Restart", 0), (["wait", "--for", "ready"], "Wait", 0),
                                        (["scale", "1"], "Scale", 0), (["abort"], "Abort", 1),
                                        (["drain", "--now"], "Drain", 1), (["stop"], "Stop", 0),
                                        (["start"], "Start", 0)):
            with self.subTest(command=command):
                proxy = self.proxy(master, at("before", is_answer))
                self.ended(self.client(proxy, *command), status)
                self.assertEqual(proxy.calls, [method, "Attach"])

    def test_shutdown_comes_back_while_the_master_drains(self):
        master, proxy = self.start(at("after", event_of("shutdown_started")))
        with net.connect(master.address("http")) as held:
            held.sendall(b"GET / HTTP/1.1\r\n")  # and no more, so that the worker waits for it
            self.wait_until(lambda: sum(worker["connections"] or 0 for worker in master.app()["workers"]) == 1)
            client = self.client(proxy, "shutdown")
            self.wait_until(lambda: proxy.calls == ["Shutdown", "Attach"])
        self.ended(client, 0)
        self.assertIn("no worker is left, and the master ends", client.out.text())
        self.assertEqual(master.process.wait(20), 0)

    def test_a_master_that_has_ended_is_not_waited_for(self):
        _, proxy = self.start(at("away", event_of("rollout_started")))
        client = self.client(proxy, "restart")
        client.wait_line(AWAY)
        proxy.path.unlink()
        self.ended(client, 3, timeout=20)
        self.assertIn("went away: it closed the connection, and has ended, before restart had ended; what was asked "
                      "for may have happened, or happen still (master_gone)", client.err.text())

    def test_while_nobody_listens_it_is_waited(self):
        master, proxy = self.start(at("away", event_of("rollout_started")))
        client = self.client(proxy, "upgrade")
        client.wait_line(AWAY)
        proxy.listen()
        self.ended(client, 0)
        self.assertEqual(proxy.calls, ["Upgrade", "Attach"])
        self.assertEqual(self.rollouts(master), ["start", "upgrade"])

    def test_an_interruption_ends_the_wait_for_the_master_too(self):
        master, proxy = self.start(at("away", event_of("rollout_started")))
        client = self.client(proxy, "upgrade")
        client.wait_line(AWAY)
        client.signal(signal.SIGINT)
        self.ended(client, 130)
        self.assertIn("interrupted; the rollout goes on (interrupted)", client.err.text())
        master.ctl("wait", "--for", "committed", status=0)
        self.assertEqual(self.rollouts(master), ["start", "upgrade"])


ALONE = ["--no-guardian"]


class AnotherMaster(TestCase):
    """One that knows nothing of the one before: there was no guardian."""

    def start_again(self, master, client):
        master.process.signal(signal.SIGKILL)
        client.wait_line(AWAY)
        master.close()
        master.start()

    def waiting_client(self, master, *command):
        client = master.ctl_process(*command)
        self._processes.append(client)
        return client

    def test_it_is_told_what_to_do(self):
        master = self.liveswap(CONFIG, args=ALONE)
        proxy = Proxy(self.directory / "proxy.sock", master.control, None)
        self.addCleanup(proxy.close)
        upgrade = self.waiting_client(master, "upgrade", "--", "/bin/sleep", "600")
        upgrade.wait_line("starting", stream="out")
        upgrade.signal(signal.SIGINT)
        self.assertEqual(upgrade.wait(20), 130)
        client = self.run_process(build.program("liveswapctl"), "--control", str(proxy.path), "wait", "--for", "ready")
        self.wait_until(lambda: proxy.calls == ["Wait"])
        self.start_again(master, client)
        self.assertEqual(client.wait(20), 0, client.tail())
        self.assertEqual(proxy.calls, ["Wait", "Attach", "Wait"])

    def test_it_is_not_shut_down_because_the_one_before_was_to_be(self):
        stubborn = self.script("stubborn", "trap '' TERM\nwhile :; do sleep 1; done\n")
        master = self.liveswap(f"apps:\n  web:\n    command: [{stubborn}]\n    ready: {{when: delay, delay: 1ms}}\n"
                               "    workers: 1\n", args=ALONE)
        client = self.waiting_client(master, "shutdown")
        client.wait_line("shutting down", stream="out")
        self.start_again(master, client)
        self.assertEqual(client.wait(20), 3, client.tail())
        client.finish_output()
        self.assertIn("was not asked to end", client.err.text())
        master.ctl("is-ready", status=0)

    def test_what_is_followed_goes_on(self):
        master = self.liveswap(CONFIG, args=ALONE)
        events = self.waiting_client(master, "events", "-f", "--json")
        watch = self.waiting_client(master, "status", "--watch", "--json")
        events.wait_line("app_running", stream="out")
        watch.wait_line("running", stream="out")
        master.process.signal(signal.SIGKILL)
        for client in (events, watch):
            client.wait_line("master_away", stream="out")
        master.close()
        master.start()
        events.wait_line("app_running", stream="out", skip=1)
        watch.wait_line(f'"pid":{master.pid},', stream="out")
        for client in (events, watch):
            client.signal(signal.SIGINT)
            self.assertEqual(client.wait(20), 130)


class Tickets(TestCase):
    """Clients that speak Varlink themselves."""

    def stream(self, master, method, **parameters):
        with Varlink(master.control) as varlink:
            return list(varlink.stream(method, **parameters))

    def test_a_call_with_the_same_ticket_is_the_same_call(self):
        master = self.liveswap(CONFIG, args=ALONE)
        ticket = secrets.token_hex(16)
        with self.assertRaises(VarlinkError) as unknown:
            self.stream(master, "Attach", ticket=ticket)
        self.assertEqual(unknown.exception.name, "TicketUnknown")
        with Varlink(master.control) as varlink:
            varlink.send("Upgrade", {"ticket": ticket}, more=True)
            varlink.receive()
        outcome = self.stream(master, "Upgrade", ticket=ticket)[-1]["outcome"]
        self.assertEqual((outcome["result"], outcome["generation"]), ("done", 2))
        self.assertEqual(self.stream(master, "Attach", ticket=ticket), [{}, {"outcome": outcome}])
        with self.assertRaises(VarlinkError) as other:
            self.stream(master, "Upgrade", ticket=ticket, label="another")
        self.assertEqual(other.exception.name, "InvalidParameter")
        self.assertEqual(master.status()["apps"][0]["generation"], 2)
        self.ended_well(master)

    def test_a_client_that_stays_away_is_not_waited_for_for_ever(self):
        master = self.liveswap(CONFIG, args=ALONE)
        ticket = secrets.token_hex(16)
        with Varlink(master.control) as upgrade:
            upgrade.send("Upgrade", {"command": ["/bin/sleep", "600"], "ticket": ticket}, more=True)
            upgrade.receive()
        time.sleep(11)  # the time that he has; nothing tells of its end
        with self.assertRaises(VarlinkError) as answer:
            self.stream(master, "Attach", ticket=ticket)
        self.assertEqual(answer.exception.name, "TimedOut")
        self.assertEqual(answer.exception.parameters["outcome"]["reason"], "client_away")
        self.assertEqual(master.status()["apps"][0]["state"], "upgrading")
        master.ctl("abort", status=0)
        self.ended_well(master)
