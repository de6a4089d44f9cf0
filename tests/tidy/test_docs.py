"""What people read agrees with the tables that the programs are made of: man pages, --help, completion, README."""

import re
import shutil
import subprocess
import unittest

import sources
from harness import build

MAN = sources.ROOT / "man"

# (table, macro, which of its arguments, the page that has each of them)
TABLES = [
    ("src/config/keys.def", "KEY", 0, "liveswap.yaml.5"),
    ("src/config/variables.def", "VARIABLE", 0, "liveswap.yaml.5"),
    ("src/config/limits.def", "LIMIT", 0, "liveswap.yaml.5"),
    ("src/config/own_variables.def", "OWN", 0, "liveswap.yaml.5"),
    ("src/config/interpreters.def", "INTERPRETER", 0, "liveswap.8"),
    ("src/config/interpreters.def", "INTERPRETER", 1, "liveswap.8"),
    ("src/core/protocols.def", "PROTOCOL", 1, "liveswap-worker.7"),
    ("src/core/protocols.def", "PROTOCOL", 1, "liveswap.yaml.5"),
    ("src/core/inheritances.def", "INHERIT_AS", 0, "liveswap-worker.7"),
    ("src/core/inheritances.def", "INHERIT_AS", 0, "liveswap.yaml.5"),
    ("src/core/socket_kinds.def", "SOCKET_KIND", 1, "liveswap.yaml.5"),
    ("src/core/choices.def", "READY_WHEN", 0, "liveswap.yaml.5"),
    ("src/core/choices.def", "OUTPUT", 0, "liveswap.yaml.5"),
    ("src/core/choices.def", "LOG_LEVEL", 0, "liveswap.yaml.5"),
    ("src/core/choices.def", "LOG_FORMAT", 0, "liveswap.yaml.5"),
    ("src/core/choices.def", "ON_START_FAILURE", 0, "liveswap.yaml.5"),
    ("src/wire/channel_messages.def", "CHANNEL_MESSAGE", 1, "liveswap-worker.7"),
    ("src/wire/commands.def", "COMMAND", 0, "liveswapctl.8"),
    ("src/wire/commands.def", "LOCAL_COMMAND", 0, "liveswapctl.8"),
    ("src/wire/commands.def", "COMMAND", 1, "liveswap-control.7"),
    ("src/wire/commands.def", "METHOD", 0, "liveswap-control.7"),
    ("src/wire/control_errors.def", "CONTROL_ERROR", 0, "liveswap-control.7"),
    ("src/core/reasons.def", "REASON", 0, "liveswapctl.8"),
    ("src/core/notes.def", "NOTE", 0, "liveswapctl.8"),
    ("src/core/worker_states.def", "WORKER_STATE", 0, "liveswapctl.8"),
    ("src/core/app_states.def", "APP_STATE", 0, "liveswapctl.8"),
    ("src/core/results.def", "RESULT", 0, "liveswapctl.8"),
]
OPTIONS, ORDERS = ("src/config/master_options.def", "OPTION"), ("src/config/master_orders.def", "ORDER")
UNSEEN = {"none"}  # the absence of a reason is not told


def rows(table, macro):
    """The arguments of each row of a .def table, as they stand there, strings without their quotes."""
    text = sources.text(sources.ROOT / table)
    for match in re.finditer(rf"^{macro}\((.*?)\)$", text, re.MULTILINE | re.DOTALL):
        arguments = re.findall(r'"((?:\\.|[^"\\])*)"|([^\s,"][^,"]*)', match.group(1))
        yield [quoted or bare.strip() for quoted, bare in arguments]


def page(name):
    """A man page as people see it, in one line."""
    run = subprocess.run(["mandoc", "-T", "ascii", "-O", "width=1000", MAN / name], capture_output=True, text=True,
                         check=True)
    text = re.sub(r".\x08", "", run.stdout)  # bold and underlined are overstruck
    return " ".join(text.split())


def has_word(text, word):
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def output_of(program, *arguments):
    return subprocess.run([build.program(program), *arguments], capture_output=True, text=True, check=True,
                          timeout=30, stdin=subprocess.DEVNULL).stdout


def options_in(text):
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", text))


@unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
class ManPages(unittest.TestCase):
    maxDiff = None

    def test_every_page_is_installed_and_no_page_links_to_one_that_is_not_there(self):
        pages = {path.name for path in MAN.iterdir() if re.fullmatch(r".*\.[1-8]", path.name)}
        installed = set(re.findall(r"'([^']+\.[1-8])'", sources.text(MAN / "meson.build")))
        self.assertEqual(pages, installed)
        linked = {f"{name}.{section}" for path in pages for name, section in
                  re.findall(r"^\.Xr (liveswap\S*) (\d)", sources.text(MAN / path), re.MULTILINE)}
        self.assertEqual(linked - pages, set())

    def test_every_row_of_every_table_is_described(self):
        missing = []
        for table, macro, column, name in TABLES:
            found = list(rows(table, macro))
            self.assertNotEqual(found, [], f"{table} has no {macro}")
            text = page(name)
            for row in found:
                word = row[column].rpartition(".")[2]  # of a key, its last part
                if word not in UNSEEN and word != "*" and not has_word(text, word.rstrip("*")):
                    missing.append(f"{name} does not have {row[column]} ({table})")
        self.assertEqual(missing, [])


@unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
class Programs(unittest.TestCase):
    maxDiff = None

    def test_liveswap_help_its_page_and_its_tables_have_the_same_options(self):
        orders = list(rows(*ORDERS))
        table = {f"--{row[0]}" for row in [*rows(*OPTIONS), *orders] if row[0]}
        of_client = {option for row in orders for words in row[3:5] for option in options_in(words)}
        self.assertEqual(options_in(output_of("liveswap", "--help")), table)
        self.assertEqual(options_in(page("liveswap.8")), table | of_client)

    def test_liveswapctl_help_and_its_page_have_the_same_options(self):
        commands = [row[0] for macro in ("COMMAND", "LOCAL_COMMAND") for row in rows("src/wire/commands.def", macro)]
        help_text = output_of("liveswapctl", "--help")
        for command in commands:
            help_text += output_of("liveswapctl", command, "--help")
        self.assertEqual(options_in(help_text), options_in(page("liveswapctl.8")))

    def test_help_and_completion_have_every_command(self):
        help_text = output_of("liveswapctl", "--help")
        shells = {shell: output_of("liveswapctl", "completion", shell) for shell in ("bash", "zsh", "fish")}
        missing = []
        for macro in ("COMMAND", "LOCAL_COMMAND"):
            for row in rows("src/wire/commands.def", macro):
                missing += [f"{name}: {row[0]}" for name, text in {"--help": help_text, **shells}.items()
                            if not has_word(text, row[0])]
        self.assertEqual(missing, [])

    def test_completion_has_every_option_of_liveswap(self):
        for shell, long, short in (("bash", "--", "-"), ("zsh", "--", "-"), ("fish", "-l ", "-s ")):
            script = output_of("liveswapctl", "completion", shell)
            own = script.partition("\n_liveswap() {\n")[2].partition("\n}\n")[0]
            if shell == "fish":
                own = "\n".join(line for line in script.splitlines() if line.startswith("complete -c liveswap "))
            for name, letter in ((row[0], row[1].strip("'")) for row in [*rows(*OPTIONS), *rows(*ORDERS)]):
                spellings = ([long + name] if name else []) + ([short + letter] if letter != "\\0" else [])
                self.assertEqual([word for word in spellings if not has_word(own, word)], [], shell)

    def test_completion_scripts_are_accepted_by_their_shells(self):
        for shell in ("bash", "zsh", "fish"):
            if shutil.which(shell):
                run = subprocess.run([shell, "-n"], input=output_of("liveswapctl", "completion", shell), text=True,
                                     capture_output=True, check=False, timeout=30)
                self.assertEqual((run.returncode, run.stderr), (0, ""), shell)


class Readme(unittest.TestCase):
    def test_it_names_only_files_that_are_there(self):
        text = sources.text(sources.ROOT / "README.md")
        links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
        self.assertEqual([link for link in links if not (sources.ROOT / link).exists()], [])
