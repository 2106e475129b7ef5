#!/usr/bin/env python3
"""What count_results.py makes of results that were damaged, cut off, or say two things at once."""
import contextlib
import io
import pathlib
import tempfile
import unittest

import count_results

CASE = '<testcase name="{}" classname="Suite"{}'


def counts(entries, cases=None, owes=(), **options):
    """The lines of output for these entries of CTest, with the results {entry: bytes} that were left behind."""
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        for name in ("cases", "owes_cases"):
            (folder / name).mkdir()
        for name, content in (cases or {}).items():
            (folder / "cases" / f"{name}.xml").write_bytes(content)
        for name in owes:
            (folder / "owes_cases" / name).touch()
        (folder / "ctest.xml").write_text(f"<testsuite>{entries}</testsuite>")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            count_results.main(folder / "ctest.xml", folder / "cases", **options)
        return output.getvalue().splitlines()


def entry(name, status, output="", skipped=None, time=0):
    element = "" if skipped is None else f'<skipped message="{skipped}"/>'
    return f'<testcase name="{name}" status="{status}" time="{time}">{element}<system-out>{output}</system-out></testcase>'


class Counts(unittest.TestCase):
    def test_entries(self):
        self.assertEqual(counts(entry("A.a", "run") + entry("B.b", "fail")), ["failed: B.b", "1 1 0"])

    def test_message_that_is_no_text(self):
        result = b"<testsuites>" + CASE.format("good", "/>").encode() + CASE.format("bad", "><failure/>").encode()
        result += b"<system-out>\xff\x00\x1b[31m</system-out></testcase></testsuites>"
        self.assertEqual(counts(entry("unit_test", "fail"), {"unit_test": result}), ["failed: Suite.bad", "1 1 0"])

    def test_result_that_is_cut_off(self):
        result = ("<testsuites>" + CASE.format("good", "/>")).encode()
        lines = counts(entry("unit_test", "run") + entry("A.a", "run"), {"unit_test": result})
        self.assertEqual(lines[-1], "1 1 0")
        self.assertIn("unit_test (its result cannot be read", lines[0])

    def test_result_that_is_owed(self):
        self.assertEqual(counts(entry("unit_test", "run"), owes=["unit_test"]), ["failed: unit_test (it left no result)", "0 1 0"])

    def test_executable_without_cases(self):
        self.assertEqual(counts(entry("unit_test", "run"), {"unit_test": b"<testsuites/>"}),
                         ["failed: unit_test (it ran no case)", "0 1 0"])

    def test_skips(self):
        said = "a.cpp:1: Skipped\nneeds root\n[  SKIPPED ] A.a"
        skip = "SKIP_REGULAR_EXPRESSION_MATCHED"
        self.assertEqual(counts(entry("A.a", "notrun", said, skip)), ["skipped: A.a: needs root", "0 0 1"])
        self.assertEqual(counts(entry("A.a", "notrun", "skipped: no mirror", "SKIP_RETURN_CODE=77")),
                         ["skipped: A.a: no mirror", "0 0 1"])
        for bad in ("==7==ERROR: LeakSanitizer: detected memory leaks", "a.cpp:3:1: runtime error: overflow",
                    "WARNING: ThreadSanitizer: data race", "[  FAILED  ] A.a"):
            self.assertEqual(counts(entry("A.a", "notrun", f"{said}\n{bad}", skip)), ["failed: A.a (not run)", "0 1 0"], bad)

    def test_times(self):
        result = b"<testsuites>"
        for name, rest in ("quick", '" time="0.5"/>'), ("slow", '" time="61"/>'), ("off", '" time="0" status="notrun"/>'):
            result += CASE.format(name, rest[1:]).encode()
        result += b"</testsuites>"
        entries = entry("unit_test", "run", time=62) + entry("A.a", "run", time=2) + entry("B.b", "notrun", "skipped", "SKIP_", 9)
        cases = {"unit_test": result}
        self.assertEqual(counts(entries, cases, slowest=2)[:2], ["    61.0 s  Suite.slow", "     2.0 s  A.a"])
        table = [line.split() for line in counts(entries, cases, labels={"unit_test": "virtual", "A.a": ""})]
        self.assertEqual(table[:3], [["kind", "tests", "seconds"], ["no", "label", "1", "2.0"], ["virtual", "2", "61.5"]])

    def test_labels_of_a_build(self):
        with tempfile.TemporaryDirectory() as build:
            script = 'add_test(A.a "true")\nset_tests_properties(A.a PROPERTIES LABELS "plain-threads")\nadd_test(B.b "true")\n'
            pathlib.Path(build, "CTestTestfile.cmake").write_text(script)
            self.assertEqual(count_results.labels_of(build), {"A.a": "plain-threads", "B.b": ""})


if __name__ == "__main__":
    unittest.main()
