#!/usr/bin/env python3
"""Holds lock_scenarios.md and the tests together.

    lock_scenarios.py TABLE LOCKS_VIRTUAL_TEST,LOCKS_SCALE_TEST LOCKS_TEST CLIENT_LOCKS_TEST

Fails, naming the row, if a test of the tables does not exist, if one of the 25 scenarios is missing, or if a backend of a
scenario has no test in virtual time.
"""

import re
import subprocess
import sys

# Which backend a suite is about that does not run on each.
BACKEND = {
    "OlderLock": "redis",
    "QuorumLock": "redlock",
}


def tests_of(binaries):
    """Suite.Test -> the backends it runs on."""
    listed = "".join(
        subprocess.run([binary, "--gtest_list_tests"], check=True, capture_output=True, text=True).stdout
        for binary in binaries.split(",")
    )
    found = {}
    suite = ""
    for line in listed.splitlines():
        if line.startswith("  "):
            name, _, backend = line.split("#")[0].strip().partition("/")
            found.setdefault(suite + "." + name, set()).add(backend or BACKEND.get(suite, ""))
        else:
            suite = line.split("#")[0].strip().rstrip(".").rpartition("/")[2]
    return found


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def names(cell):
    return re.findall(r"`(\w+\.\w+)`", cell)


def check_scenario(row, columns):
    number, _, backends, *tests = row
    for (title, existing), cell in zip(columns, tests, strict=True):
        yield from (f"{number}: {title} has no test {name}" for name in names(cell) if name not in existing)
    _, in_virtual_time = columns[0]
    covered = set().union(*(in_virtual_time.get(name, set()) for name in names(tests[0])))
    for backend in backends.split(", "):
        if backend not in covered:
            yield f"{number}: no test in virtual time on {backend}"


def check(text, columns):
    rows = [cells(line) for line in text.splitlines() if line.startswith("| ")]
    scenarios = [row for row in rows if row[0].isdigit()]
    if [int(row[0]) for row in scenarios] != list(range(1, 26)):
        yield "the scenarios are not 1 to 25, one row each, in order"
    for row in scenarios:
        yield from check_scenario(row, columns)
    every = {name for _, existing in columns for name in existing}
    others = [row for row in rows if not row[0].isdigit()]
    killed = [row for row in others if row[0] in ("the application", "jetonctl", "the agent", "Redis")]
    if len(killed) != 4:
        yield "the second table has not its four rows"
    for row in killed:
        for cell in row[1:]:
            if not names(cell):
                yield f"{row[0]}: an empty cell"
            yield from (f"{row[0]}: no test {name}" for name in names(cell) if name not in every)


def main():
    table, *binaries = sys.argv[1:]
    with open(table, encoding="utf-8") as file:
        text = file.read()
    titles = ("virtual time", "jetonctl", "libjeton")
    columns = [(title, tests_of(binary)) for title, binary in zip(titles, binaries, strict=True)]
    problems = list(check(text, columns))
    for problem in problems:
        print(f"{table}: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
