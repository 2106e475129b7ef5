#!/usr/bin/env python3
"""Reads the counts of a build with --coverage by gcov, and prints what was run: a row for each folder of agent/ and
libclient/, the files with little, and the functions that were never run.

    coverage_report.py BUILD_DIRECTORY

The instances of a template, and the parts that GCC makes of a coroutine, are one function: that of their line. An edge
for an exception, and the one beside it, are no branch of the source.
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("agent/", "libclient/")
LITTLE = 90  # percent of the lines of a file


def branches_of(line):
    """The counts of the branches that the source has."""
    branches = line["branches"]
    decides = [not branch["throw"] for branch in branches]
    for i, branch in enumerate(branches):
        if branch["throw"] and i > 0 and branches[i - 1]["fallthrough"]:
            decides[i - 1] = False
    return [branch["count"] for branch, counts in zip(branches, decides) if counts]


class File:
    """The sum of all objects that have code of one file."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.Counter()  # by line, and place among those of the line
        self.functions = {}  # by line: the shortest name, and the count

    def add(self, counts):
        for line in counts["lines"]:
            self.lines[line["line_number"]] += line["count"]
            branches = branches_of(line)
            for place, count in enumerate(branches):
                self.branches[line["line_number"], len(branches), place] += count
        for function in counts["functions"]:
            name, count = self.functions.get(function["start_line"], (function["demangled_name"], 0))
            shortest = min(name, function["demangled_name"], key=len)
            self.functions[function["start_line"]] = (shortest, count + function["execution_count"])

    def sums(self):
        kinds = self.lines.values(), self.branches.values(), [count for _, count in self.functions.values()]
        return [number for counts in kinds for number in (len(counts), sum(count > 0 for count in counts))]

    def share(self):
        lines, run = self.sums()[:2]
        return run / lines if lines else 1


def read(build):
    """The files of ROOT by name."""
    data = {path.with_suffix(""): path for kind in ("gcno", "gcda") for path in sorted(build.rglob(f"*.{kind}"))}
    files = collections.defaultdict(File)

    def ask(path):
        command = ["gcov", "--branch-probabilities", "--json-format", "--stdout", str(path.resolve())]
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
        return [json.loads(line) for line in said.splitlines()]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for reports in pool.map(ask, data.values()):
            for report in reports:
                for counts in report["files"]:
                    name = os.path.relpath(os.path.join(report.get("current_working_directory", ""), counts["file"]), ROOT)
                    if name.startswith(FOLDERS):
                        files[name].add(counts)
    return files


def percent(run, total):
    return f"{100 * run / total:.1f}" if total else "-"


def main(build):
    files = read(pathlib.Path(build))
    if not files:
        sys.exit(f"{build} has no counts of agent/ or libclient/")
    folders = collections.defaultdict(lambda: [0] * 6)
    for name, file in files.items():
        for folder in ("/".join(name.split("/")[:2]), "all"):
            folders[folder] = [a + b for a, b in zip(folders[folder], file.sums())]
    print("| folder | lines | run, % | branches | run, % | functions | run, % |\n|---|---|---|---|---|---|---|")
    for folder, (lines, lines_run, branches, branches_run, functions, functions_run) in sorted(
            folders.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"| {folder} | {lines} | {percent(lines_run, lines)} | {branches} | {percent(branches_run, branches)} "
              f"| {functions} | {percent(functions_run, functions)} |")
    print(f"\nfiles with less than {LITTLE} % of their lines, the least first:")
    for share, name in sorted((file.share(), name) for name, file in files.items()):
        if 100 * share < LITTLE:
            print(f"  {100 * share:5.1f} %  {name}")
    print("\nfunctions that were never run:")
    for name, file in sorted(files.items()):
        for line, (function, count) in sorted(file.functions.items()):
            if count == 0:
                print(f"  {name}:{line} {function}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
