"""What stands in a master's way is named: who holds a port, a path, the master's own name."""

import os
import socket

from harness import TestCase, build, processes

CONFIG = """
listeners:
  http: {address}
apps:
  web: {{command: [{worker}]}}
"""


class Conflicts(TestCase):
    def config(self, address):
        return CONFIG.format(address=address, worker=build.program("http_worker"))

    def refused(self, web):
        """What a master says that cannot start."""
        web.launch()
        self.assertEqual(web.process.wait(20.0), 1)
        self.assert_nothing_left()
        return web.said()

    def held_by_us(self):
        return f"held by PID {os.getpid()} ({processes.stat(os.getpid()).name})"

    def test_a_port_taken_names_its_holder(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            said = self.refused(self.liveswap(self.config(f"tcp://127.0.0.1:{port}"), start=False))
        self.assertIn(f"listener http: bind(127.0.0.1:{port}): Address already in use: {self.held_by_us()}", said)

    def test_too_few_descriptors_are_told_with_what_is_needed(self):
        file = self.write("web.yaml", self.config("tcp://127.0.0.1:0"))
        master = self.run_process("prlimit", "--nofile=12:12", build.program("liveswap"), "-c", file)
        self.assertEqual(master.wait(20.0), 1)
        master.finish_output()
        self.assertRegex(master.err.text(), r"\Aliveswap: RLIMIT_NOFILE leaves \d+ descriptors; 45 are needed: "
                                            r"32 for liveswap, 1 for listening sockets, 12 for each worker\. "
                                            r"Raise the hard limit \(ulimit -Hn, LimitNOFILE= of systemd\)\Z")

    def test_a_path_taken_names_its_holder_and_stays(self):
        path = self.directory / "http.sock"
        with socket.socket(socket.AF_UNIX) as holder:
            holder.bind(str(path))
            holder.listen(5)
            said = self.refused(self.liveswap(self.config(f"unix:{path}"), start=False))
            self.assertIn(f"listener http: bind({path}): Address already in use: {self.held_by_us()}", said)
            self.assertTrue(path.is_socket())

    def test_a_path_that_a_killed_master_left_is_taken_over(self):
        path = self.directory / "http.sock"
        web = self.liveswap(self.config(f"unix:{path}"), args=["--no-guardian"])
        worker = web.workers("ready")[0]["pid"]
        web.process.signal(9)
        web.process.wait()
        os.kill(worker, 9)
        processes.wait_gone(worker)
        self.assertTrue(path.is_socket())
        web.start()
        self.assertIn("version=", web.get("http").body)
        self.ended_well(web)
        self.assertFalse(path.exists())

    def test_a_path_that_a_killed_masters_worker_still_serves_is_not(self):
        path = self.directory / "http.sock"
        web = self.liveswap(self.config(f"unix:{path}"), args=["--no-guardian"])
        worker = web.workers("ready")[0]["pid"]
        web.process.signal(9)
        web.process.wait()
        self.assertIn(f"bind({path}): Address already in use: held by PID {worker} (http_worker)",
                      self.not_started(web))

    def not_started(self, web):
        web.launch()
        self.assertEqual(web.process.wait(20.0), 1)
        return web.said()

    def test_all_that_cannot_be_bound_is_told_at_once(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            said = self.refused(self.liveswap(f"""
listeners:
  good: "unix:{self.directory}/good.sock"
  taken: tcp://127.0.0.1:{port}
  lost: "unix:{self.directory}/no/such/x.sock"
apps:
  web: {{command: [{build.program("http_worker")}], listeners: [good, taken, lost]}}
""", start=False))
        self.assertIn(f"listener taken: bind(127.0.0.1:{port}): Address already in use", said)
        self.assertIn(f"listener lost: bind({self.directory}/no/such/x.sock): No such file or directory: "
                      f"there is no directory {self.directory}/no/such", said)
        self.assertFalse((self.directory / "good.sock").exists())

    def test_a_second_master_of_the_same_name_is_refused_with_the_firsts_pid(self):
        web = self.liveswap(self.config("tcp://127.0.0.1:0"))
        second = self.run_process(build.program("liveswap"), "-c", str(web.file), env=web.env, cwd=web.cwd)
        self.assertEqual(second.wait(20.0), 1)
        second.finish_output()
        self.assertRegex(second.tail(), rf"\b{web.pid}\b")
        self.assertIn("version=", web.get("http").body)
        self.assertTrue(web.control.is_socket())
        self.ended_well(web)
