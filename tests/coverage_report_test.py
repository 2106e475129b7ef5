#!/usr/bin/env python3
"""What coverage_report.py makes of the counts of gcov."""
import unittest

from coverage_report import File, branches_of


def line(number, count, *branches):
    """`branches`: counts; "!" is the edge of an exception behind the one before it."""
    edges = [{"count": 0 if b == "!" else b, "throw": b == "!", "fallthrough": i % 2 == 0} for i, b in enumerate(branches)]
    return {"line_number": number, "count": count, "branches": edges}


def function(name, start, count):
    return {"demangled_name": name, "start_line": start, "execution_count": count}


def file_of(*objects):
    file = File()
    for lines, functions in objects:
        file.add({"lines": lines, "functions": functions})
    return file


class Report(unittest.TestCase):
    def test_call_that_may_throw_is_no_branch(self):
        self.assertEqual(branches_of(line(1, 7, 7, "!", 3, 4)), [3, 4])

    def test_objects_are_summed(self):
        file = file_of(([line(1, 3, 3, 0), line(2, 0)], [function("a()", 1, 3)]),
                       ([line(1, 2, 0, 2)], [function("a()", 1, 2), function("b()", 2, 0)]))
        self.assertEqual(file.sums(), [2, 1, 2, 2, 2, 1])
        self.assertEqual(file.share(), 0.5)

    def test_parts_of_a_coroutine_are_one_function(self):
        file = file_of(([], [function("f(f()::Frame*) [clone .destroy]", 1, 0), function("f()", 1, 2)]))
        self.assertEqual(file.functions, {1: ("f()", 2)})


if __name__ == "__main__":
    unittest.main()
