"""Where the programs under test are: meson tells by LIVESWAP_BUILD (default: build/ beside the sources)."""

import os
import pathlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LIVESWAP_BUILD") or SOURCE / "build")
SANITIZED = os.environ.get("LIVESWAP_SANITIZED", "") not in ("", "0")

# Folders of the build tree that hold programs.
_FOLDERS = ("src/master", "src/ctl", "src/launch", "src/guard", "src/worker", "tests/apps", "tests/load", "tests/bench",
            "examples")


def program(name):
    """The path of a program of ours, as a string."""
    for folder in _FOLDERS:
        path = BUILD / folder / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise FileNotFoundError(f"{name}: not built in {BUILD} (ninja -C {BUILD}; or set LIVESWAP_BUILD)")
