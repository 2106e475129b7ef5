#!/usr/bin/env python3
"""The first C example of each document, compiled as it is printed and run beside a real agent (run by with_agent).

The provider names no type, as many do: a header says Bearer then.
"""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "libclient"


def jetonctl(*arguments):
    command = [os.environ["JETONCTL"], "get", "api", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def run(code):
    """What the statements print; `...` leaves the program."""
    code = code.replace('"wechat"', '"api"').replace(") ...\n", ") return 1;\n")
    program = f"#include <jeton/jeton.h>\n#include <stdio.h>\n#include <stdlib.h>\nint main(void) {{\n{code}\nreturn 0;\n}}\n"
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "example.c"), Path(folder, "example")
        source.write_text(program)
        options = ["-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{CLIENT / 'include'}"]
        built = subprocess.run(
            ["cc", *options, str(source), os.environ["LIBJETON"], "-o", str(binary)], capture_output=True, text=True
        )
        if built.returncode != 0:
            raise AssertionError(built.stderr + program)
        return subprocess.run([str(binary)], check=True, capture_output=True, text=True).stdout


class FirstExample(unittest.TestCase):
    def test_of_the_header_prints_the_whole_header(self):
        text = (CLIENT / "include" / "jeton" / "jeton.h").read_text()
        example = re.search(r"((?: \*   .*\n)+)", text)[1]
        self.assertEqual(run(re.sub(r"^ \* ", "", example, flags=re.MULTILINE)), jetonctl("--header"))

    def test_of_the_manual_page_prints_the_whole_header(self):
        text = (CLIENT / "man" / "jeton.3").read_text()
        example = re.search(r"^\.Bd -literal\n(.*?)^\.Ed", text, re.MULTILINE | re.DOTALL)[1]
        self.assertEqual(run(example.replace("\\e", "\\")), jetonctl("--header"))

    def test_of_the_page_for_developers_prints_the_value(self):
        text = (CLIENT / "README.md").read_text()
        example = re.search(r"^```c\n#include <jeton/jeton.h>\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        self.assertEqual(run(example[1]), jetonctl())


if __name__ == "__main__":
    unittest.main()
