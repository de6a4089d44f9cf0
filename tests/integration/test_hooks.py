"""hooks.pre_upgrade: what must succeed before an upgrade begins, and what it may change of it."""

import json
import os
import shutil
import unittest

from harness import TestCase, build
from harness.varlink import Varlink, VarlinkError

NODE = shutil.which("node")

CONFIG = """
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: ["{worker}"]
    target: {target}
    cwd: {directory}
    workers: 2
    env: {{VERSION: v1, TARGET: "${{target}}"}}
    hooks: {{pre_upgrade: {hook}, timeout: {timeout}}}
"""


class HookCase(TestCase):
    def start(self, text, name="pull.sh", timeout="60s", mode=0o755):
        self.directory.chmod(0o755)
        self.write(name, text, mode)
        self.a = self.write("a/release")
        self.b = self.write("b/release")
        return self.liveswap(CONFIG.format(worker=build.program("http_worker"), target=self.a, directory=self.directory,
                                           hook=f"./{name}", timeout=timeout))

    def fails(self, web, text):
        """The outcome of an upgrade that the hook does not let pass, and that changes nothing."""
        before = [(worker["pid"], worker["release"]) for worker in web.workers("ready")]
        with Varlink(web.control) as client, self.assertRaises(VarlinkError) as raised:
            client.call("Upgrade")
        result = raised.exception.parameters["outcome"]
        self.assertEqual((raised.exception.name, result["reason"]), ("Failed", "hook_failed"), result)
        self.assertEqual(result["serving"], 2)
        self.assertIn(text, result["text"])
        self.assertEqual([(worker["pid"], worker["release"]) for worker in web.workers()], before)
        self.assertEqual(web.app()["state"], "running")
        return result


class Hooks(HookCase):
    def test_it_runs_before_each_upgrade_and_never_else(self):
        web = self.start('#!/bin/sh\necho x >> ran\n')
        ran = self.directory / "ran"
        web.ctl("restart", status=0)
        web.ctl("scale", "3", status=0)
        self.assertFalse(ran.exists())
        web.ctl("upgrade", status=0)
        web.process.signal(12)
        self.wait_until(lambda: web.app()["release"] == 3 and web.app()["state"] == "running")
        self.assertEqual(ran.read_text(), "x\nx\n")
        self.ended_well(web)

    def test_it_is_asked_with_json_and_variables_and_its_lines_are_in_the_log(self):
        web = self.start('#!/bin/sh\ncat > asked\necho "$LIVESWAP_APP $LIVESWAP_HOOK $LIVESWAP_RELEASE '
                         '$LIVESWAP_TARGET $LIVESWAP_LABEL $VERSION"\necho to stderr >&2\n')
        web.ctl("upgrade", "--label", "1.5", "--target", self.b, status=0)
        self.assertEqual(json.loads((self.directory / "asked").read_text()),
                         {"cmd": "upgrade", "app": "web", "value": str(self.b), "release": 1, "target": str(self.b),
                          "command": [build.program("http_worker")], "label": "1.5"})
        web.process.wait_line(rf"web hook \| web pre_upgrade 1 {self.b} 1.5 v1$", 20.0, stream="out")
        web.process.wait_line(r"web hook \| to stderr$", 20.0)
        self.assertIn("web hook | to stderr", web.ctl("logs", status=0).out)
        self.ended_well(web)

    def test_it_may_choose_the_target_and_the_last_word_counts(self):
        web = self.start("#!/bin/sh\necho target=/nowhere\necho target=b/release\n")
        web.ctl("upgrade", status=0)
        self.assertEqual(web.app()["target"], str(self.b))
        web.configure(web.file.read_text().replace("./pull.sh", "/bin/true"))
        web.ctl("upgrade", status=0)
        self.assertEqual(web.app()["target"], str(self.a))
        self.ended_well(web)

    def test_without_a_file_what_it_has_chosen_stays_the_target(self):
        hook = self.script("pull.sh", f"test -e {self.directory}/once || echo target={self.directory}/b/worker\n"
                           f"touch {self.directory}/once\n")
        for folder in ("a", "b"):
            (self.directory / folder).mkdir(exist_ok=True)
            shutil.copy(build.program("http_worker"), self.directory / folder / "worker")
        web = self.liveswap(None, args=["-s", str(self.directory / "a/worker"), "-l", "http=tcp://127.0.0.1:0",
                                        "--pre-upgrade", str(hook)])
        for _ in range(2):
            web.ctl("upgrade", status=0)
            self.assertEqual((web.app()["target"], web.app()["overrides"]), (str(self.directory / "b/worker"), []))
        self.ended_well(web)

    def test_one_that_fails_is_told_with_its_last_lines(self):
        web = self.start("#!/bin/sh\necho 'no route to host' >&2\nexit 3\n")
        result = self.fails(web, "./pull.sh exited with status 3")
        self.assertEqual(result["last_lines"], ["no route to host"])
        shown = web.ctl("upgrade", status=1)
        self.assertIn("no route to host", shown.out + shown.err)
        self.ended_well(web)

    def test_one_that_is_not_there_is_named(self):
        web = self.start("#!/bin/sh\n")
        (self.directory / "pull.sh").unlink()
        self.fails(web, "exec ./pull.sh: No such file or directory")
        self.ended_well(web)

    def test_a_target_that_is_not_there_ends_the_upgrade(self):
        web = self.start("#!/bin/sh\necho target=/nowhere/b\n")
        self.fails(web, "./pull.sh said target=/nowhere/b: No such file or directory")
        self.ended_well(web)

    def test_a_target_that_nothing_uses_ends_the_upgrade(self):
        web = self.start("#!/bin/sh\necho target=b/release\n")
        web.configure(web.file.read_text().replace(', TARGET: "${target}"', ""))
        self.fails(web, "the app uses no target")
        self.ended_well(web)

    def test_one_that_hangs_is_ended_with_all_in_its_group(self):
        web = self.start("#!/bin/sh\ntrap '' TERM\nsleep 1000 &\necho $! > child\nwait; wait\n", timeout="300ms")
        self.fails(web, "./pull.sh took longer than 300ms")
        child = int((self.directory / "child").read_text())
        self.wait_until(lambda: not os.path.exists(f"/proc/{child}"))
        self.ended_well(web)

    def test_while_it_runs_all_else_is_answered_and_an_abort_ends_it(self):
        web = self.start("#!/bin/sh\necho $$ > pid\nmkfifo gate\necho waiting\nread line < gate\n")
        upgrade = web.ctl_process("upgrade", "--json")
        self.addCleanup(upgrade.close)
        web.process.wait_line(r"web hook \| waiting", 20.0, stream="out")
        self.assertEqual(web.app()["state"], "upgrading")
        self.assertEqual(web.app()["waiting_for"], "the pre_upgrade hook to end")
        self.assertEqual(web.get("http").status, 200)
        self.assertEqual(web.ctl("upgrade", "--json", status=6).result["reason"], "busy")
        web.ctl("abort", status=0)
        self.assertEqual(upgrade.wait(20.0), 1)
        upgrade.finish_output()
        self.assertEqual(json.loads(upgrade.out.text().splitlines()[-1])["reason"], "aborted")
        pid = int((self.directory / "pid").read_text())
        self.wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
        self.ended_well(web)

    def test_a_client_that_does_not_wait_gets_what_it_asked_for_all_the_same(self):
        web = self.start("#!/bin/sh\nmkfifo gate\necho waiting\nread line < gate\n")
        with Varlink(web.control) as client:
            client.send("Upgrade", {"target": str(self.b), "timeout_ms": 50})
            web.process.wait_line(r"web hook \| waiting", 20.0, stream="out")
            with self.assertRaisesRegex(VarlinkError, "TimedOut"):
                client.receive()
        (self.directory / "gate").write_text("go\n")
        web.wait_app(lambda app: app["release"] == 2)
        self.assertEqual(web.app()["target"], str(self.b))
        self.ended_well(web)

    def test_the_end_of_the_master_is_its_end(self):
        web = self.start("#!/bin/sh\necho waiting\nexec sleep 1000\n")
        upgrade = web.ctl_process("upgrade")
        self.addCleanup(upgrade.close)
        web.process.wait_line(r"web hook \| waiting", 20.0, stream="out")
        self.ended_well(web)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be somebody else")
    def test_it_runs_as_the_app_does(self):
        web = self.start('#!/bin/sh\necho "as $(id -un)"\n')
        web.configure(web.file.read_text().replace("workers: 2", "workers: 2\n    user: nobody"))
        web.ctl("upgrade", status=0)
        web.process.wait_line(r"web hook \| as nobody$", 20.0, stream="out")
        self.ended_well(web)


@unittest.skipUnless(NODE, "node is not installed")
class NodeModules(HookCase):
    """The namesake's form: a module that exports function (data, callback)."""

    def passes(self, text, name="pull.js"):
        web = self.start(text, name, mode=0o644)
        web.ctl("upgrade", status=0)
        target = web.app()["target"]
        self.ended_well(web)
        return target

    def refuses(self, text, problem, name="pull.js"):
        web = self.start(text, name, mode=0o644)
        result = self.fails(web, "exited with status 1")
        self.assertIn(problem, "\n".join(result["last_lines"]))
        self.ended_well(web)

    def test_the_readme_example_passes(self):
        self.assertEqual(self.passes("""
            function preupgrade(data, callback) {
              console.log('executing pre-upgrade script...');
              var err, value = data.value;
              try { } catch (e) { err = e.toString(); }
              return callback(err, value);
            }
            module.exports = preupgrade;
        """), str(self.a))

    def test_its_value_is_the_target(self):
        self.assertEqual(self.passes("module.exports = (data, callback) => "
                                     "setTimeout(() => callback(null, './b/release'), 10)"), str(self.b))

    def test_an_es_module_will_do(self):
        self.assertEqual(self.passes("export default (data, callback) => callback(null, 'b/release')", "pull.mjs"),
                         str(self.b))

    def test_its_error_is_told(self):
        self.refuses("module.exports = (data, callback) => callback('no route to host')", "no route to host")

    def test_what_it_throws_is_told(self):
        self.refuses("module.exports = () => { throw new Error('no such luck') }", "no such luck")

    def test_one_that_exports_no_function_is_refused(self):
        self.refuses("module.exports = 1", "exports no function")

    def test_one_that_never_calls_back_is_refused(self):
        self.refuses("module.exports = () => {}", "without calling its callback", "pull.cjs")
