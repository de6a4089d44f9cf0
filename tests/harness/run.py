#!/usr/bin/env python3
"""run.py MODULE.py [PATTERN…]: runs the tests of a module, or those with PATTERN in their name, and prints TAP."""

import importlib.util
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)
sys.dont_write_bytecode = True

from harness import processes, tap  # noqa: E402  (found by the line above)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    path = pathlib.Path(sys.argv[1]).resolve()
    sys.path.insert(1, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    processes.become_subreaper()
    return tap.run(module, sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
