"""Folders are layers: what each may include, and what only one place may know."""

import json
import re
import unittest

import sources
from harness import build

# A layer may include itself and these. src/DESIGN.md has the same in words.
LAYERS = {
    "core": set(),
    "wire": set(),
    "os": set(),
    "config": {"core"},
    "protocols": {"core", "wire"},
    "loop": {"os"},
    "launch": {"wire", "os"},
    "guard": {"wire", "os"},
    "preload": {"wire"},
    "worker": {"wire", "os"},
    "ctl": {"core", "wire", "os", "config"},  # of the core its tables and durations, as config has them
    "master": {"core", "wire", "os", "config", "protocols", "loop"},
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def layer_of(path):
    return sources.relative(path).split("/")[1]


def includes(path):
    """(kind of quote, what, line) of each include."""
    text = sources.code(path)
    for match in INCLUDE.finditer(text):
        yield match.group(1), match.group(2), text.count("\n", 0, match.start()) + 1


def is_generated(path, what):
    """`x.inc` is made by meson from the file x beside the one that includes it."""
    return what.endswith(".inc") and (path.parent / what.removesuffix(".inc")).exists()


def quoted(path):
    """(what, line) of each include of our own."""
    return [(what, line) for quote, what, line in includes(path) if quote == '"' and not is_generated(path, what)]


def source_files():
    return sources.files(".cpp", ".hpp", ".c", ".h", ".def", under="src/")


class Layers(unittest.TestCase):
    maxDiff = None

    def test_every_folder_of_src_is_a_layer(self):
        self.assertEqual({layer_of(path) for path in source_files()} - set(LAYERS), set())

    def test_a_layer_includes_only_what_it_may(self):
        wrong = []
        for path in source_files():
            layer = layer_of(path)
            for what, line in quoted(path):
                if what.split("/")[0] not in LAYERS[layer] | {layer, "liveswap"}:
                    wrong.append(f"{sources.relative(path)}:{line}: {layer} must not include {what}")
        self.assertEqual(wrong, [])

    def test_an_include_names_its_layer_and_exists(self):
        wrong = []
        for path in source_files():
            for what, line in quoted(path):
                if not any((sources.ROOT / root / what).exists() for root in ("src", "include")):
                    wrong.append(f"{sources.relative(path)}:{line}: {what}")
        self.assertEqual(wrong, [])

    def test_only_the_loop_knows_libuv(self):
        users = {sources.relative(path) for path in source_files()
                 if any(what.split("/")[0] in ("uv.h", "uv") for _, what, _ in includes(path))}
        self.assertEqual({user for user in users if not user.startswith("src/loop/")}, set())

    def test_only_one_file_knows_yaml_cpp(self):
        users = {sources.relative(path) for path in source_files()
                 if any(what.startswith("yaml-cpp") for _, what, _ in includes(path))}
        self.assertLessEqual(len(users), 1, users)

    def test_only_one_file_knows_control_messages(self):
        users = {sources.relative(path) for path in source_files() if re.search(r"\bCMSG_", sources.code(path))}
        users -= {"src/preload/bind.c"}  # C, and alone in a stranger's process: it shares no code with ours
        self.assertLessEqual(len(users), 1, users)

    def test_the_core_knows_no_clock_no_descriptor_and_no_library(self):
        standard = re.compile(r"[a-z_]+$")
        wrong = [f"{sources.relative(path)}:{line}: {what}" for path in source_files() if layer_of(path) == "core"
                 for quote, what, line in includes(path) if quote == "<" and not standard.match(what)]
        wrong += [place for path in source_files() if layer_of(path) == "core"
                  for place in sources.places(path, r"\b(?:steady_clock|system_clock)::now|\bclock_gettime|\bFdRef\b")]
        self.assertEqual(wrong, [])

    def test_every_source_is_in_a_meson_build(self):
        self.assertEqual(built_nowhere(), [])


def built_nowhere():
    """Sources that no target of this build folder has."""
    with open(build.BUILD / "meson-info" / "intro-targets.json", encoding="utf-8") as file:
        targets = json.load(file)
    built = {source for target in targets for part in target["target_sources"] for source in part["sources"]}
    return [sources.relative(path) for path in sources.files(".cpp", ".c")
            if str(path) not in built and not sources.relative(path).startswith("examples/")]
