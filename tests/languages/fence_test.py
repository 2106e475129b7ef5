"""The example of a resource that checks the fence: a late write is refused, whichever client sends it."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../libclient/examples/fence"))
from fenced_store import FencedFile, FencedTable, TooLate  # noqa: E402


class Fence(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "report.json")

    def tearDown(self):
        self.folder.cleanup()

    def test_table_refuses_the_late_writer(self):
        database = sqlite3.connect(":memory:")
        table = FencedTable(database)
        table.write("r", "first", 7)
        table.write("r", "again by the same holder", 7)
        table.write("r", "next holder", 9)
        with self.assertRaises(TooLate):
            table.write("r", "paused meanwhile", 7)
        self.assertEqual(database.execute("SELECT body, fence FROM report").fetchall(), [("next holder", 9)])

    def test_file_refuses_the_late_writer(self):
        store = FencedFile(self.path)
        store.write("first", 7)
        store.write("next holder", 9)
        with self.assertRaises(TooLate):
            store.write("paused meanwhile", 7)

    def test_command_line_takes_the_fence_of_the_environment(self):
        script = os.path.join(os.path.dirname(__file__), "../../libclient/examples/fence/fenced_store.py")
        for fence, status in (("9", 0), ("7", 1)):
            done = subprocess.run(
                [sys.executable, script, self.path, "text"], env={**os.environ, "JETON_LOCK_FENCE": fence}, check=False,
                capture_output=True,
            )
            self.assertEqual(done.returncode, status, done.stderr)


if __name__ == "__main__":
    unittest.main()
