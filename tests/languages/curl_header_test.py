#!/usr/bin/env python3
"""libclient/examples/cpp/curl_header.cpp beside a real agent (run by with_agent).

curl_header_test.py PROGRAM
"""

import subprocess
import sys
import unittest

# The agent's helpers, and the API that refuses tokens.
from python_test import PATIENCE, Provider, jeton, refresh

PROGRAM = sys.argv.pop(1)


class CurlHeader(unittest.TestCase):
    def get(self, patience_ms):
        run = subprocess.run(
            [PROGRAM, "api", self.provider.url, str(patience_ms)], capture_output=True, text=True, check=False
        )
        return run.returncode, run.stdout.strip(), run.stderr

    def test_adds_the_header_reports_a_401_and_tries_once_more(self):
        with jeton.open("api") as token:
            # The more rejections in a row, the later the next token; a requested one starts from the beginning.
            before = token.current().generation
            refresh()
            token.wait_change(before, PATIENCE)
            self.provider = Provider(token)
            self.addCleanup(self.provider.end)
            patience_ms = int(PATIENCE * 1000)
            self.assertEqual(self.get(patience_ms), (0, "welcome", ""))
            refused = token.current()
            self.provider.refused.add(refused.value)
            self.assertEqual(self.get(patience_ms), (0, "welcome", ""))
            self.assertEqual(
                [presented for presented, _ in self.provider.requests],
                [refused.value, refused.value, token.current().value],
            )
            self.provider.closed = True  # for every token
            self.assertEqual(self.get(100), (2, "no", ""))
            self.assertIn(len(self.provider.requests), (4, 5))

    def test_says_what_is_missing(self):
        run = subprocess.run([PROGRAM, "nosuch", "http://127.0.0.1:1/"], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("'nosuch'", run.stderr)


if __name__ == "__main__":
    unittest.main()
