"""`liveswapctl message`: to the program where it has a channel, else to the app's command, and to nobody else."""

import os
import shutil
import unittest

from harness import TestCase, build
from harness.varlink import Varlink

NODE = shutil.which("node")

CONFIG = """
listeners: {{http: tcp://127.0.0.1:0}}
apps:
  web:
    command: {command}
    workers: 2
{keys}
"""


class Messages(TestCase):
    def start(self, command, *keys, **options):
        self.directory.chmod(0o755)
        lines = "\n".join("    " + key for key in keys)
        return self.liveswap(CONFIG.format(command=command, keys=lines), **options)

    def with_command(self, text, *keys):
        told = self.script("told.sh", text)
        return self.start(f"[{build.program('http_worker')}]", f'on_message: [{told}, "${{slot}}"]', *keys)

    def printed(self, web, pattern):
        return web.process.wait_line(pattern, 20.0, stream="out")

    def test_a_command_gets_it_once_for_each_worker_with_its_pid(self):
        web = self.with_command('echo "slot $1 $LIVESWAP_SLOT of $LIVESWAP_APP is $LIVESWAP_PID: $(cat)"\n')
        self.assertEqual(web.ctl("message", "new keys, please", status=0).out, "told 2 of 2 workers\n")
        for worker in web.workers("ready"):
            slot, pid = worker["slot"], worker["pid"]
            self.printed(web, rf"web/{slot} g1 \| slot {slot} {slot} of web is {pid}: new keys, please$")
        self.ended_well(web)

    def test_the_longest_text_arrives_whole_and_a_longer_one_is_refused(self):
        web = self.with_command("wc -c\n")
        web.ctl("message", "web", "x" * 65534, status=0)
        self.printed(web, r"web/0 g1 \| 65534$")
        result = web.ctl("message", "--json", "x" * 65535, status=2).result
        self.assertEqual((result["result"], result["reason"]), ("bad_usage", "bad_argument"))
        self.ended_well(web)

    def test_messages_to_one_worker_are_handed_on_one_after_the_other(self):
        web = self.with_command('read text; echo "begin $text"; echo "end $text"\n')
        with Varlink(web.control) as client:
            for number in range(8):
                self.assertEqual(client.call("Message", text=f"{number}\n"), {"reached": 2, "workers": 2})
        for number in range(8):
            self.printed(web, rf"web/0 g1 \| end {number}$")
        lines = [line for line in web.process.out.text().splitlines() if line.startswith("web/0 ")]
        self.assertEqual([line.partition("| ")[2] for line in lines if "begin" in line or "end" in line],
                         [f"{word} {number}" for number in range(8) for word in ("begin", "end")])
        self.ended_well(web)

    def test_a_command_that_cannot_be_executed_reaches_nobody_and_is_told(self):
        web = self.start(f"[{build.program('http_worker')}]", "on_message: /nowhere/told.sh")
        result = web.ctl("message", "--json", "hello", status=1).result
        self.assertEqual((result["result"], result["reason"], result["serving"]), ("failed", "message_failed", 2))
        web.process.wait_line(r"on_message: exec /nowhere/told.sh: No such file or directory", 20.0)
        self.ended_well(web)

    def test_one_that_fails_was_told_and_its_failure_is_in_the_log(self):
        web = self.with_command("exit 3\n")
        web.ctl("message", "hello", status=0)
        web.process.wait_line(r"web/1 g1 \| liveswap: on_message: exited with status 3", 20.0)
        self.ended_well(web)

    def test_a_program_without_a_channel_or_command_cannot_be_told(self):
        web = self.start(f"[{build.program('http_worker')}]")
        shown = web.ctl("message", "hello", status=1)
        self.assertIn("told none of 2 workers", shown.out + shown.err)
        self.assertIn("on_message", shown.out + shown.err)
        self.ended_well(web)

    def test_a_command_that_runs_is_ended_with_its_worker(self):
        web = self.with_command("echo begun; exec sleep 1000\n")
        web.ctl("message", "hello", status=0)
        self.printed(web, r"web/0 g1 \| begun")
        self.printed(web, r"web/1 g1 \| begun")
        self.ended_well(web)

    def test_the_short_form_tells_as_well(self):
        web = self.with_command("cat\n")
        process = self.run_process(build.program("liveswap"), "--control", str(web.control), "-m", "new keys",
                                   env=web.env)
        self.assertEqual(process.wait(20.0), 0, process.tail())
        self.printed(web, r"web/1 g1 \| new keys$")
        self.ended_well(web)

    def test_a_text_that_looks_like_an_option_stands_after_two_hyphens(self):
        web = self.with_command("cat\n")
        web.ctl("message", "web", "--", "-x", status=0)
        self.printed(web, r"web/1 g1 \| -x$")
        process = self.run_process(build.program("liveswap"), "--control", str(web.control), "-m", "--help",
                                   env=web.env)
        self.assertEqual(process.wait(20.0), 0, process.tail())
        self.printed(web, r"web/1 g1 \| --help$")
        self.ended_well(web)

    def test_an_app_that_is_stopped_is_told_nothing_and_says_that_it_is(self):
        web = self.with_command("cat\n")
        web.ctl("stop", status=0)
        for command in (["message", "hello"], ["signal", "HUP"]):
            result = web.ctl(*command, "--json").result
            self.assertEqual((result["result"], result["reason"]), ("failed", "not_running"), command)
            self.assertIn("web: failed: the app is not started (not_running)", web.ctl(*command, status=1).err)
        self.ended_well(web)

    def test_a_native_program_gets_it_on_its_channel(self):
        web = self.start(f"[{build.program('native_server')}]", "protocol: native")
        self.assertEqual(web.ctl("message", "new keys", status=0).out, "told 2 of 2 workers\n")
        web.wait_app(lambda app: [worker["status"] for worker in app["workers"]] == ["new keys"] * 2)
        self.ended_well(web)

    @unittest.skipUnless(NODE, "node is not installed")
    def test_a_node_program_gets_it_as_its_process_message(self):
        self.write("server.js", """
            require('http').createServer((request, response) => response.end('hello')).listen(0, '127.0.0.1')
            process.on('message', (message) => console.log('told ' + JSON.stringify(message)))
        """)
        web = self.start(f"[{NODE}, server.js]", f"cwd: {self.directory}", "protocol: node", timeout=60.0)
        self.assertEqual(web.ctl("message", 'say "ä"', status=0).out, "told 2 of 2 workers\n")
        for slot in (0, 1):
            self.printed(web, rf'web/{slot} g1 \| told "say \\"ä\\""')
        self.ended_well(web)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be somebody else")
    def test_the_command_runs_as_the_app_does(self):
        web = self.with_command('echo "$(id -un) in $PWD"\n', "user: nobody", "cwd: /")
        web.ctl("message", "hello", status=0)
        self.printed(web, r"web/0 g1 \| nobody in /$")
        self.ended_well(web)
