"""README's five minutes, step by step, with the files and the commands that stand there."""

import re
import socket

from harness import TestCase, build, free_port, http_get

README = (build.SOURCE / "README.md").read_text(encoding="utf-8")


def examples():
    """The files of the tour, by name."""
    return dict(re.findall(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", README, re.DOTALL))


class Tour(TestCase):

    def setUp(self):
        super().setUp()
        self.port = free_port()
        for name, text in examples().items():
            self.write(name, text.replace(":8080", f":{self.port}"))
        config = (self.directory / "liveswap.yaml").read_text()
        self.master = self.liveswap(config, name="liveswap", start=False, cwd=self.directory)
        self.program = self.directory / "server.py"
        self.program.rename(self.master.directory / "server.py")
        self.program = self.master.directory / "server.py"

    def answer(self):
        return http_get(("127.0.0.1", self.port)).body

    def set_version(self, version):
        text = self.master.file.read_text()
        self.master.configure(re.sub(r"VERSION: \d+", f"VERSION: {version}", text))

    def test_the_tour_of_the_readme_works_as_it_says(self):
        self.assertEqual(set(examples()), {"server.py", "liveswap.yaml"})
        self.master.start(30)
        self.assertRegex(self.answer(), r"^version 1, pid \d+\n$")
        self.set_version(2)
        self.master.ctl("upgrade", status=0)
        self.assertRegex(self.answer(), r"^version 2, pid \d+\n$")
        self.assertIn("2/2 ready", self.master.ctl("status", status=0).out)
        self.master.ctl("scale", "web", "4", status=0)
        self.assertIn("4/4 ready", self.master.ctl("status", status=0).out)

        self.program.write_text(self.program.read_text() + "\nthis is no Python\n")
        failed = self.master.ctl("upgrade", status=1)
        self.assertIn("SyntaxError", failed.out + failed.err)
        self.assertRegex(self.answer(), r"^version 2, pid \d+\n$")
        self.master.ctl("shutdown", status=0)
        self.assertEqual(self.master.process.wait(30), 0)
        self.assert_nothing_left()
        with self.assertRaises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
            pass

    def test_the_check_of_the_tour_names_the_descriptor(self):
        checked = self.run_process(build.program("liveswap"), "--check", cwd=self.master.directory)
        self.assertEqual(checked.wait(20), 0, checked.tail())
        checked.finish_output()
        self.assertIn(f"3  http  tcp://127.0.0.1:{self.port}", checked.out.text())
