#!/usr/bin/env python3
"""Counts the results of one ctest run, case by case.

    count_results.py JUNIT_XML CASES_DIR [--slowest N] [--kinds BUILD_DIR]

JUNIT_XML is what `ctest --output-junit` wrote. An entry of CTest that runs a whole GoogleTest executable (or a shard of
one) has a file CASES_DIR/../owes_cases/ENTRY and leaves CASES_DIR/ENTRY.xml behind; its cases count instead of the
entry. An executable that ended badly although no case failed (a crash, a leak report, a time-out), that left no result,
or that could not be run at all counts as one failure more.

Prints a line for each failed and each skipped test, the latter with its reason, and last "PASSED FAILED SKIPPED". On
request it prints first the N slowest tests with their seconds, and a table of the tests by kind: the label that they have in
BUILD_DIR, where `ctest` finds them.
"""
import argparse
import json
import pathlib
import re
import subprocess
import xml.etree.ElementTree as xml


# CTest takes no notice of the exit status of a test that said that it skips itself.
ENDED_BADLY = re.compile(r"^(==\d+==)?(ERROR|WARNING|SUMMARY): |runtime error: |^\[  FAILED  \]", re.MULTILINE)


def cases_of(file):
    """The cases of a result. GoogleTest writes a message as it is: a byte or character that XML cannot hold is replaced."""
    text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", file.read_text("utf-8", "replace"))
    return list(xml.fromstring(text).iter("testcase"))


def reason(text):
    """What a test said when it skipped itself: the line behind "FILE:LINE: Skipped", or one that begins with "skipped"."""
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    for line, following in zip(lines, lines[1:] + [""]):
        if line.endswith(": Skipped") and following:
            return following
        if line.startswith("skipped"):
            return line.partition(":")[2].strip() or line
    return lines[0] if lines else "no reason given"


def is_skipped(entry):
    """It said so itself (SKIP_RETURN_CODE, SKIP_REGULAR_EXPRESSION), or is disabled. What else CTest did not run failed."""
    element = entry.find("skipped")
    message = "" if element is None else element.get("message", "")
    if message.startswith("SKIP_REGULAR_EXPRESSION"):
        return not ENDED_BADLY.search(entry.findtext("system-out") or "")
    return entry.get("status") == "disabled" or message.startswith("SKIP_")


def labels_of(build):
    """{entry: label} of the tests of a build."""
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True, capture_output=True, text=True)
    return {test["name"]: "-".join(value for one in test["properties"] if one["name"] == "LABELS" for value in one["value"])
            for test in json.loads(listing.stdout)["tests"]}


def print_times(timed, slowest, labels):
    """`timed`: (seconds, test, entry) of each test that ran; `labels`: None, or by entry."""
    for seconds, name, _ in sorted(timed, reverse=True)[:slowest]:
        print(f"{seconds:8.1f} s  {name}")
    if labels is None:
        return
    kinds = {}
    for seconds, _, entry in timed:
        kinds.setdefault(labels.get(entry) or "no label", []).append(seconds)
    print(f"{'kind':24} {'tests':>6} {'seconds':>9}")
    for kind, times in sorted(kinds.items()):
        print(f"{kind:24} {len(times):6} {sum(times):9.1f}")


def main(junit, cases_dir, slowest=0, labels=None):
    passed, failed, skipped, timed = 0, [], [], []
    for entry in xml.parse(junit).getroot().iter("testcase"):
        name, status = entry.get("name"), entry.get("status")
        cases_file = pathlib.Path(cases_dir) / f"{name}.xml"
        bad_cases = 0
        if status != "notrun" and not cases_file.is_file():
            timed.append((float(entry.get("time", 0)), name, name))
        if cases_file.is_file():
            try:
                cases = cases_of(cases_file)
            except xml.ParseError as e:
                failed.append(f"{name} (its result cannot be read: {e})")
                continue
            if not cases:
                failed.append(f"{name} (it ran no case)")
            for case in cases:
                case_name = f"{case.get('classname')}.{case.get('name')}"
                if case.get("status") != "notrun":
                    timed.append((float(case.get("time", 0)), case_name, name))
                if case.find("failure") is not None:
                    bad_cases += 1
                    failed.append(case_name)
                elif case.find("skipped") is not None:
                    place, _, why = case.find("skipped").get("message", "").partition("\n")
                    skipped.append((case_name, why.strip() or place))
                elif case.get("status") == "notrun":
                    skipped.append((case_name, "disabled"))
                else:
                    passed += 1
            if status == "fail" and bad_cases == 0:
                failed.append(f"{name} (the executable itself)")
        elif status == "run" and (pathlib.Path(cases_dir).parent / "owes_cases" / name).exists():
            failed.append(f"{name} (it left no result)")
        elif status == "run":
            passed += 1
        elif status == "fail":
            failed.append(name)
        elif is_skipped(entry):
            skipped.append((name, reason(entry.findtext("system-out"))))
        else:
            failed.append(f"{name} (not run)")
    print_times(timed, slowest, labels)
    for name in failed:
        print(f"failed: {name}")
    for name, why in skipped:
        print(f"skipped: {name}: {why}")
    print(passed, len(failed), len(skipped))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("junit")
    parser.add_argument("cases_dir")
    parser.add_argument("--slowest", type=int, default=0, metavar="N")
    parser.add_argument("--kinds", metavar="BUILD_DIR")
    options = parser.parse_args()
    main(options.junit, options.cases_dir, options.slowest, labels_of(options.kinds) if options.kinds else None)
