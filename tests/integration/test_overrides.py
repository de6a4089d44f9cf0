"""What an upgrade may be asked to do otherwise than the file says, and for how long that lasts."""

import os
import signal

from harness import TestCase, build, processes

CONFIG = """
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: ["${{target}}", --from, "${{target}}", --release, "${{release}}"]
    target: {directory}/current
    env: {{VERSION: {version}, WHERE: "${{target}}"}}
"""


class Overrides(TestCase):
    def setUp(self):
        super().setUp()
        for name in ("one", "two"):
            (self.directory / name).symlink_to(build.program("http_worker"))
        self.point_to("one")
        self.web = self.liveswap(self.config("v1"))

    def config(self, version):
        return CONFIG.format(directory=self.directory, version=version)

    def point_to(self, name):
        link = self.directory / "next"
        link.symlink_to(name)
        link.rename(self.directory / "current")

    def pid(self):
        return self.web.workers("ready")[0]["pid"]

    def words(self):
        with open(f"/proc/{self.pid()}/cmdline", "rb") as file:
            return file.read().decode().split("\0")[:-1]

    def variable(self, name):
        return processes.environment(self.pid()).get(name)

    def respawn(self):
        before = self.pid()
        os.kill(before, signal.SIGKILL)
        self.wait_until(lambda: any(w["pid"] != before for w in self.web.workers("ready")))

    def test_env_belongs_to_its_release_alone(self):
        self.web.ctl("upgrade", "--env", "VERSION=asked", "--env", "EXTRA=a=b c", status=0)
        self.assertEqual((self.variable("VERSION"), self.variable("EXTRA")), ("asked", "a=b c"))
        self.assertTrue(any("VERSION=asked" in text for text in self.web.app()["overrides"]))
        self.respawn()
        self.assertEqual((self.variable("VERSION"), self.variable("EXTRA")), ("asked", "a=b c"))
        self.web.ctl("upgrade", status=0)
        self.assertEqual((self.variable("VERSION"), self.variable("EXTRA")), ("v1", None))
        self.assertEqual(self.web.app()["overrides"], [])

    def test_target_replaces_the_files_for_its_release_alone(self):
        other = self.directory / "two"
        self.web.ctl("upgrade", "--target", other, status=0)
        release = str(self.web.app()["release"])
        self.assertEqual(self.words()[-1], release)
        self.assertTrue(any("--target" in text for text in self.web.app()["overrides"]))
        where = self.variable("WHERE")
        self.respawn()
        self.assertEqual(self.variable("WHERE"), where)
        self.web.ctl("upgrade", status=0)
        self.assertEqual(self.web.app()["overrides"], [])

    def test_a_relative_target_is_the_clients(self):
        self.web.ctl("upgrade", "--target", "two", status=0, cwd=self.directory)
        self.assertTrue(any(f"{self.directory}/two" in text for text in self.web.app()["overrides"]))

    def test_a_target_that_is_not_there_is_refused(self):
        before = self.pid()
        result = self.web.ctl("upgrade", "--target", "/no/such/target", status=1)
        self.assertIn("/no/such/target", result.out + result.err)
        self.assertEqual(self.pid(), before)

    def test_a_target_where_nothing_uses_it_is_refused(self):
        web = self.liveswap(f"""
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web: {{command: [{build.program("http_worker")}]}}
""")
        result = web.ctl("upgrade", "--target", "/bin/true")
        self.assertIn(result.status, (1, 2), result)
        self.assertIn("target", result.out + result.err)
        self.assertEqual(web.app()["release"], 1)

    def test_a_command_replaces_the_files_for_its_release_alone(self):
        self.web.ctl("upgrade", "--", build.program("http_worker"), "--mode", "a b", "${release}", status=0)
        self.assertEqual(self.words()[1:], ["--mode", "a b", str(self.web.app()["release"])])
        self.assertIn("version=v1 ", self.web.get("http").body)
        self.web.ctl("upgrade", status=0)
        self.assertEqual(self.words()[1], "--from")

    def test_if_changed_does_nothing_where_nothing_changed(self):
        before = self.pid()
        result = self.web.ctl("upgrade", "--if-changed", "--json", status=0).result
        self.assertEqual(result["result"], "unchanged")
        self.assertEqual(self.pid(), before)
        self.assertEqual(self.web.app()["generation"], 1)

    def test_if_changed_sees_what_the_file_and_the_disk_say(self):
        self.web.configure(self.config("v2"))
        self.assertEqual(self.web.ctl("upgrade", "--if-changed", "--json", status=0).result["result"], "done")
        self.assertIn("version=v2 ", self.web.get("http").body)
        program = self.directory / "copy"
        program.write_bytes(open(build.program("http_worker"), "rb").read())
        program.chmod(0o755)
        self.point_to("copy")
        self.assertEqual(self.web.ctl("upgrade", "--if-changed", "--json", status=0).result["result"], "done")
        self.assertEqual(self.web.ctl("upgrade", "--if-changed", "--json", status=0).result["result"], "unchanged")

    def test_a_label_is_shown(self):
        self.web.ctl("upgrade", "--label", "1.4.2", status=0)
        self.assertEqual(self.web.app()["label"], "1.4.2")
        self.assertIn("1.4.2", self.web.ctl("status", status=0).out)
