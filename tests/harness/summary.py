#!/usr/bin/env python3
"""summary.py BUILD…: sums up what `meson test` ran in these build folders, every single test case counted.

The cases come from meson-logs/testlog.junit.xml. A program that ended badly without a failed case (it crashed, ran
out of time, leaked) is in testlog.json only, and counts as one more failure. Shows what failed and why, each skip
with its reason, and last of all `N passed, N failed[, N skipped]`. Status 1 if anything failed, or nothing ran.
"""

import dataclasses
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

BAD = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}
# Meson writes control characters of a test's output into its XML as they are, where they are not allowed.
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
SHOWN_LINES = 80


@dataclasses.dataclass
class Summary:
    passed: int = 0
    failed: int = 0
    skipped: list = dataclasses.field(default_factory=list)  # "name: reason"
    failures: list = dataclasses.field(default_factory=list)  # text blocks


def explanations(output):
    """{line of a failed case: the `#` lines above it} of a TAP output."""
    found, comments = {}, []
    for line in output.splitlines():
        if line.startswith("#"):
            comments.append(line)
            continue
        match = re.match(r"not ok \d+ - (.*?)(?: # .*)?$", line)
        if match:
            found[match.group(1).strip()] = comments
        comments = []
    return found


def tail(text, lines=SHOWN_LINES):
    """The last lines of a text, indented."""
    kept = text.rstrip("\n").split("\n")
    cut = [f"… {len(kept) - lines} lines more"] if len(kept) > lines else []
    return "\n".join("    " + line for line in cut + kept[-lines:])


def plain(name):
    """`liveswap:unit / unit/core` as people type it: unit/core."""
    return name.rpartition(" / ")[2]


def read_programs(folder):
    """{test's name: meson's record of its run}"""
    with open(folder / "testlog.json", encoding="utf-8", errors="replace") as file:
        records = [json.loads(line) for line in file if line.strip()]
    return {record["name"]: record for record in records}


def read_cases(folder):
    """(test's name, case's name or None, 'passed' | 'failed' | 'skipped', explanation), in order."""
    text = (folder / "testlog.junit.xml").read_text(encoding="utf-8", errors="replace")
    root = xml.fromstring(NOT_XML.sub("?", text.partition("?>")[2]))
    for suite in root.iter("testsuite"):
        for case in suite.iter("testcase"):
            outcome = "passed"
            if case.find("failure") is not None or case.find("error") is not None:
                outcome = "failed"
            elif case.find("skipped") is not None:
                outcome = "skipped"
            if " / " in case.get("classname", ""):
                program = case.get("classname").partition(".")[2]
                name = re.sub(r"^\d+ (- )?", "", case.get("name"))
                yield program, name, outcome, case.findtext("system-out") or ""
            else:
                yield case.get("name"), None, outcome, ""


def add(summary, build):
    folder = pathlib.Path(build) / "meson-logs"
    programs = read_programs(folder)
    explained = {name: explanations(record.get("stdout") or "") for name, record in programs.items()}
    failed_programs = set()
    for program, case, outcome, explanation in read_cases(folder):
        name = plain(program) + (f": {case}" if case else "")
        if outcome == "passed":
            summary.passed += 1
        elif outcome == "skipped":
            summary.skipped.append(f"{name}: {explanation or 'no reason given'}")
        else:
            summary.failed += 1
            failed_programs.add(program)
            record = programs.get(program, {})
            why = explained.get(program, {}).get(case, []) if case else (record.get("stdout") or "").split("\n")
            summary.failures.append(f"{name}\n" + tail("\n".join(why)))
    for name, record in programs.items():
        if record["result"] in BAD:
            if name not in failed_programs:
                summary.failed += 1
                summary.failures.append(f"{plain(name)}: ended with {record['result']}, status {record['returncode']}, "
                                        f"after {record['duration']:.0f} s\n" + tail(record.get("stdout") or "", 15))
            if record.get("stderr"):
                summary.failures.append(f"{plain(name)}, its standard error:\n" + tail(record["stderr"]))


def main(builds):
    summary = Summary()
    for build in builds:
        try:
            add(summary, build)
        except (OSError, ValueError, KeyError, xml.ParseError) as error:
            summary.failed += 1
            summary.failures.append(f"{build}: no results of its tests: {error}")
    for failure in summary.failures:
        print(f"FAILED {failure}\n")
    for skip in summary.skipped:
        print(f"skipped {skip}")
    ran = summary.passed + summary.failed
    print(f"{summary.passed} passed, {summary.failed} failed"
          + (f", {len(summary.skipped)} skipped" if summary.skipped else ""))
    return 1 if summary.failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
