"""How the files look: lengths, banned calls, notes left behind; scripts and man pages pass their checkers."""

import ast
import re
import shutil
import subprocess
import sys
import unittest

import sources

LINE_MAX = {".def": 140, ".build": 140}  # tables; 120 elsewhere
FILE_MAX = 500
FUNCTION_MAX = 70

CODE = (".cpp", ".hpp", ".c", ".h", ".def", ".py", ".build", ".sh")
CXX = (".cpp", ".hpp", ".c", ".h")

# What none of ours calls, and why.
BANNED = {
    r"(?:u|nano)?sleep": "wait for an event or a deadline",
    r"system|popen": "no shell is run",
    r"strcpy|strcat|sprintf|vsprintf|gets|strtok": "no bound",
    r"v?fork": "posix_spawn: fork copies page tables",
    r"rand|srand": "a seeded generator, passed in",
    r"atoi|atol|atof": "std::from_chars, with its error",
    r"alloca": "no bound",
}
NOTES = ("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")


def call_of(names):
    """Finds calls of these functions of libc: no member's, and no other namespace's."""
    return rf"(?<![\w.>:])(?:std::|::)?(?:{names})\s*\("


class Text(unittest.TestCase):
    maxDiff = None

    def test_no_line_is_too_long(self):
        wrong = [f"{sources.relative(path)}:{number}: {len(line)} columns" for path in sources.files(*CODE)
                 for number, line in enumerate(sources.text(path).split("\n"), 1)
                 if len(line) > LINE_MAX.get(path.suffix, 120)]
        self.assertEqual(wrong, [])

    def test_no_file_is_too_long(self):
        wrong = [f"{sources.relative(path)}: {count} lines" for path in sources.files(*CODE)
                 if (count := sources.text(path).count("\n")) > FILE_MAX]
        self.assertEqual(wrong, [])

    def test_no_function_is_too_long(self):
        wrong = [f"{sources.relative(path)}:{line}: {name}: {count} lines" for path in sources.files(*CXX)
                 for name, line, count in sources.functions(path) if count > FUNCTION_MAX]
        self.assertEqual(wrong, [])

    def test_no_line_ends_in_blanks_and_every_file_in_one_line_break(self):
        wrong = []
        for path in sources.all_files():
            text = sources.text(path)
            wrong += [f"{sources.relative(path)}:{number}" for number, line in enumerate(text.split("\n"), 1)
                      if line != line.rstrip()]
            if text and (not text.endswith("\n") or text.endswith("\n\n")):
                wrong.append(f"{sources.relative(path)}: its end")
        self.assertEqual(wrong, [])

    def test_no_tabs(self):
        self.assertEqual([sources.relative(path) for path in sources.files(*CODE) if "\t" in sources.text(path)], [])

    def test_no_notes_to_oneself(self):
        pattern = r"\b(?:" + "|".join(NOTES) + r")\b"
        wrong = [place for path in sources.all_files() for place in sources.places(path, pattern, sources.text(path))]
        self.assertEqual(wrong, [])

    def test_no_banned_call(self):
        wrong = [f"{place} ({why})" for path in sources.files(*CXX, under="src/") for names, why in BANNED.items()
                 if not (names == "v?fork" and sources.relative(path).startswith("src/guard/"))
                 for place in sources.places(path, call_of(names))]
        self.assertEqual(wrong, [])

    def test_only_a_main_program_exits(self):
        in_the_child = ("src/launch/", "src/guard/")
        wrong = [place for path in sources.files(*CXX, under="src/")
                 if not path.name.startswith("main") and not sources.relative(path).startswith(in_the_child)
                 for place in sources.places(path, call_of("_exit|exit|quick_exit"))]
        self.assertEqual(wrong, [])

    def test_every_header_is_included_once_only(self):
        headers = sources.files(".hpp", ".h", under="src/") + sources.files(".hpp", ".h", under="tests/")
        self.assertEqual([sources.relative(path) for path in headers if "#pragma once" not in sources.code(path)], [])

    def test_file_names_are_snake_case(self):
        wrong = [sources.relative(path) for path in sources.files(*CXX, ".def", ".py")
                 if not re.fullmatch(r"[a-z][a-z0-9_]*|__init__", path.stem)]
        self.assertEqual(wrong, [])


class Checkers(unittest.TestCase):
    """What the checks above are made of finds what it is to find."""

    def test_code_is_what_is_neither_comment_nor_string(self):
        self.assertEqual(sources.code_of('a; // fork()\nb("fork() // x"); /* c\nd */ e;\n#include "x.h"'),
                         'a;  \nb(""); \n e;\n#include "x.h"')
        self.assertEqual(sources.code_of("R\"x(fork()\n)\" )x\" y 1'000 'f' '\\''"), "\"\"\n y 1'000 \"\" \"\"")

    def test_a_banned_call_is_found_and_a_namesake_is_not(self):
        source = "fork();\n::fork ();\nstd::system(x);\nthis->fork();\na.fork();\nmy::fork();\nmyfork();"
        self.assertEqual(sources.matches(call_of("fork|system"), source),
                         [(1, "fork("), (2, "::fork ("), (3, "std::system(")])

    def test_the_length_of_a_function_is_found(self):
        source = ("namespace a {\nclass B {\n  int c() const {\n    if (x) {\n    }\n  }\n};\n"
                  "constexpr int d[] = {\n1,\n};\nauto e(int f) -> int {\n  g([] { h(); });\n}\n}\n")
        self.assertEqual(sources.functions_of(source), [("c", 3, 4), ("e", 11, 3)])


class Scripts(unittest.TestCase):
    maxDiff = None

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shell_scripts_pass_shellcheck(self):
        scripts = [path for path in sources.all_files() if re.match(r"#!.*\b(?:ba|da)?sh\b", sources.text(path))]
        self.assertIn(sources.ROOT / "dev", scripts)
        run = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
        self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))

    def test_python_imports_what_it_uses_and_nothing_else(self):
        wrong = []
        for path in sources.files(".py"):
            tree = ast.parse(sources.text(path), filename=sources.relative(path))
            names = {name.asname or name.name.split(".")[0]: node.lineno for node in ast.walk(tree)
                     if isinstance(node, (ast.Import, ast.ImportFrom)) for name in node.names}
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            exported = set(re.findall(r'"(\w+)"', sources.text(path))) if path.name == "__init__.py" else set()
            wrong += [f"{sources.relative(path)}:{line}: {name}" for name, line in names.items()
                      if name not in used | exported]
        self.assertEqual(wrong, [])

    def test_python_needs_the_standard_library_only(self):
        ours = {path.stem for path in sources.files(".py")} | {"harness"}
        wrong = []
        for path in sources.files(".py"):
            for node in ast.walk(ast.parse(sources.text(path))):
                modules = [name.name for name in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.level == 0:
                    modules = [node.module]
                wrong += [f"{sources.relative(path)}:{node.lineno}: {module}" for module in modules
                          if module.split(".")[0] not in sys.stdlib_module_names | ours]
        self.assertEqual(wrong, [])


class ManPages(unittest.TestCase):
    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_man_pages_pass_mandoc(self):
        pages = [path for path in (sources.ROOT / "man").iterdir() if re.fullmatch(r".*\.[1-8]", path.name)]
        self.assertNotEqual(pages, [])
        run = subprocess.run(["mandoc", "-Tlint", "-W", "warning", *sorted(pages)], capture_output=True, text=True,
                             check=False)
        self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))
