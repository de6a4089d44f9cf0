"""The project's own files, and C++ with what is not code taken out of it."""

import functools
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("src", "include", "tests", "man", "examples", ".ci", "subprojects")
KINDS = {".cpp", ".hpp", ".c", ".h", ".def", ".py", ".build", ".txt", ".yaml", ".md", ".sh", ".wrap", ".js", ".go",
         ".varlink", ".in", *(f".{section}" for section in range(1, 9))}


def relative(path):
    return path.relative_to(ROOT).as_posix()


def _ours(path):
    """Written here: neither built nor unpacked."""
    parts = path.relative_to(ROOT).parts
    unpacked = parts[0] == "subprojects" and len(parts) > 2 and parts[1] != "packagefiles"
    return "__pycache__" not in parts and "corpus" not in parts and not unpacked


@functools.lru_cache(maxsize=None)
def all_files():
    """Every text file of ours, sorted."""
    top = [path for path in ROOT.iterdir() if path.is_file() and (path.suffix in KINDS or path.name == "dev")]
    below = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")
             if path.is_file() and (path.suffix in KINDS or (folder == ".ci"))]
    return sorted(path for path in top + below if _ours(path))


def files(*suffixes, under=""):
    """Those with one of these suffixes, in a folder."""
    return [path for path in all_files() if path.suffix in suffixes and relative(path).startswith(under)]


@functools.lru_cache(maxsize=None)
def text(path):
    return path.read_text(encoding="utf-8")


_NO_CODE = re.compile(
    r'R"(?P<mark>[^()\s]{0,16})\(.*?\)(?P=mark)"'    # raw strings
    r"|//[^\n]*|/\*.*?\*/"                           # comments
    r'|"(?:\\.|[^"\\\n])*"'                          # strings
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",         # characters, but not 1'000'000
    re.DOTALL)


@functools.lru_cache(maxsize=None)
def code(path):
    """A C or C++ file with comments and the insides of strings blanked out; lines keep their numbers."""
    return code_of(text(path))


def code_of(source):
    def blank(match):
        found = match.group(0)
        kept = "\n" * found.count("\n")
        return f'""{kept}' if found[0] in "R\"'" else kept or " "
    lines = source.split("\n")
    includes = {i for i, line in enumerate(lines) if re.match(r"\s*#\s*include\b", line)}
    blanked = _NO_CODE.sub(blank, source).split("\n")
    return "\n".join(lines[i] if i in includes else line for i, line in enumerate(blanked))


def matches(pattern, source):
    """(line, the match) of each match."""
    return [(source.count("\n", 0, match.start()) + 1, match.group(0).strip())
            for match in re.finditer(pattern, source)]


def places(path, pattern, content=None):
    """`file:line: the match` of each match in the file's code, or in `content`."""
    source = code(path) if content is None else content
    return [f"{relative(path)}:{line}: {match}" for line, match in matches(pattern, source)]


def functions(path):
    return functions_of(code(path))


def functions_of(source):
    """(name, first line, number of lines) of each function body, roughly: by its braces."""
    source = "\n".join("" if line.lstrip().startswith("#") else line for line in source.split("\n"))
    scopes, found, begun, head = [], [], ("?", 0), ""
    for match in re.finditer(r"[{};]|[^{};]+", source):
        token = match.group(0)
        line = source.count("\n", 0, match.start()) + 1
        if token == "{":
            scopes.append(_kind(head, "function" in scopes))
            if scopes[-1] == "function":
                begun = ((head.strip().split("(")[0].split() or ["?"])[-1], line)
            head = ""
        elif token == "}":
            if scopes and scopes.pop() == "function":
                found.append((*begun, line + 1 - begun[1]))
            head = ""
        else:
            head = "" if token == ";" else token
    return found


def _kind(head, inside_function):
    if inside_function:
        return "block"
    if re.search(r"\b(namespace|class|struct|enum|union|extern)\b[^()=]*$", head):
        return "scope"
    if head.rstrip().endswith(("=", "(", ",")) or "(" not in head:
        return "data"
    return "function"
