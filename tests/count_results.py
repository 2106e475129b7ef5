#!/usr/bin/env python3
"""Counts the results of one ctest run, case by case.

    count_results.py JUNIT_XML CASES_DIR

JUNIT_XML is what `ctest --output-junit` wrote. An entry of CTest that runs a whole GoogleTest executable (or a shard of
one) has a file CASES_DIR/../owes_cases/ENTRY and leaves CASES_DIR/ENTRY.xml behind; its cases count instead of the
entry. An executable that ended badly although no case failed (a crash, a leak report, a time-out), that left no result,
or that could not be run at all counts as one failure more.

Prints a line for each failed and each skipped test, the latter with its reason, and last "PASSED FAILED SKIPPED".
"""
import pathlib
import re
import sys
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


def main(junit, cases_dir):
    passed, failed, skipped = 0, [], []
    for entry in xml.parse(junit).getroot().iter("testcase"):
        name, status = entry.get("name"), entry.get("status")
        cases_file = pathlib.Path(cases_dir) / f"{name}.xml"
        bad_cases = 0
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
    for name in failed:
        print(f"failed: {name}")
    for name, why in skipped:
        print(f"skipped: {name}: {why}")
    print(passed, len(failed), len(skipped))


if __name__ == "__main__":
    main(*sys.argv[1:])
