#!/usr/bin/env python3
"""The snippets of libclient/README.md in C++ and Python, and its commands that run a program (run by with_agent); README.md
has a snippet in Python, too, and systemd/README.md the commands of a token without an installation. Those of
other languages: c_examples_test.py, node_documents_test.mjs, go_test.sh, rust_test.sh.

documents_test.py LIBCLIENT
"""

import os
import re
import subprocess
import sys
import tempfile
import types
import unittest
from pathlib import Path

CLIENT = Path(sys.argv.pop(1))
ROOT = CLIENT.parent
sys.path.insert(0, str(CLIENT / "bindings" / "python"))

import jeton  # noqa: E402


def snippets(page, language):
    """For the agent's token, "api"."""
    found = re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [snippet.replace("wechat", "api") for snippet in found]


def only(found, word):
    """The one snippet with this word."""
    (one,) = [snippet for snippet in found if word in snippet]
    return one


def value():
    return subprocess.run(
        [os.environ["JETONCTL"], "get", "api"], check=True, capture_output=True, text=True
    ).stdout.strip()


def check(*command, **options):
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    if run.returncode != 0:
        raise AssertionError(run.stdout + run.stderr)
    return run.stdout


class Python(unittest.TestCase):
    def read(self, page, status):
        """What was sent, and how often the token was rejected."""
        sent = []

        def get(url, headers):
            sent.append(headers["Authorization"])
            return types.SimpleNamespace(status_code=status)

        requests = types.ModuleType("requests")
        requests.get = get
        sys.modules["requests"] = requests
        self.addCleanup(sys.modules.pop, "requests", None)
        code = only(snippets(page, "python"), "jeton.open").replace("timeout=5", "timeout=60")
        exec(compile(code, page.name, "exec"), {"url": "http://127.0.0.1:1/"})
        return sent

    def test_a_read_sends_the_token(self):
        for page in (ROOT / "README.md", CLIENT / "README.md"):
            self.assertEqual(self.read(page, 200), [f"Bearer {value()}"])

    def test_a_401_leads_to_another_token(self):
        before = value()
        self.assertEqual(self.read(CLIENT / "README.md", 401), [f"Bearer {before}"])
        self.assertNotEqual(value(), before)

    def test_a_lock_has_a_fence(self):
        fences = []
        work = [1, 2]

        def step(fence):
            work.pop()
            fences.append(fence)

        code = only(snippets(CLIENT / "README.md", "python"), "jeton.Lock")
        exec(compile(code, "README.md", "exec"), {"jeton": jeton, "work": work, "step": step})
        self.assertEqual(len(fences), 2)
        self.assertGreater(fences[0], 0)
        self.assertEqual(fences[0], fences[1])


class Cpp(unittest.TestCase):
    def run_snippet(self, code, before):
        code = code.replace("#include <jeton/client.hpp>\n", "")
        program = f"#include <jeton/client.hpp>\n#include <chrono>\n#include <iostream>\n#include <mutex>\n{before}\nint main() {{\n{code}}}\n"
        with tempfile.TemporaryDirectory() as folder:
            source, binary = Path(folder, "snippet.cpp"), Path(folder, "snippet")
            source.write_text(program)
            options = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{CLIENT / 'include'}"]
            check("c++", *options, source, os.environ["LIBJETON"], "-o", binary)
            return check(binary)

    def test_a_read_prints_the_token(self):
        code = only(snippets(CLIENT / "README.md", "cpp"), "jeton::Reader")
        before = "template <class T> int call_with(const T& value) { std::cout << value; return 200; }"
        self.assertEqual(self.run_snippet(code, before), value())

    def test_a_lock_has_a_fence(self):
        code = only(snippets(CLIENT / "README.md", "cpp"), "jeton::Lock")
        before = """int left = 2;
bool more_to_do() { return left > 0; }
void step(unsigned long long fence) { --left; std::cout << (fence > 0); }"""
        self.assertEqual(self.run_snippet(code, before), "11")


class Shell(unittest.TestCase):
    def test_exec_gives_the_token(self):
        lines = "".join(snippets(CLIENT / "README.md", "sh")).splitlines()
        commands = [line for line in lines if line.startswith("jetonctl exec ")]
        self.assertEqual(len(commands), 5)
        environment = {**os.environ, "PATH": str(Path(os.environ["JETONCTL"]).parent) + ":" + os.environ["PATH"]}
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report")
            report.write_text("#!/bin/sh\necho $API_TOKEN\ncat\n[ ! -e /proc/$$/fd/3 ] || cat <&3\n")
            report.chmod(0o755)
            for command in commands:
                out = check("sh", "-c", command, cwd=folder, env=environment, stdin=subprocess.DEVNULL)
                self.assertEqual(out.strip(), value(), command)

    def test_a_token_needs_no_installation(self):
        def section(heading):
            page = (ROOT / "systemd" / "README.md").read_text()
            return re.search(rf"^### {heading}\n(.*?)^##", page, re.MULTILINE | re.DOTALL)[1]

        def block(heading, language):
            return re.search(rf"^```{language}\n(.*?)^```", section(heading), re.MULTILINE | re.DOTALL)[1]

        ours = ("JETON_DIR", "LIBJETON", "LD_LIBRARY_PATH")
        environment = {name: text for name, text in os.environ.items() if name not in ours}
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            clone = Path(folder, "clone")
            (clone / "build").mkdir(parents=True)
            (clone / "build" / "release").symlink_to(Path(os.environ["LIBJETON"]).parent.parent)
            (clone / "libclient").symlink_to(CLIENT.resolve())
            (clone / "hello.py").write_text(block("A first token", "python"))
            (clone / "try.yaml").write_text(block("Without an installation", "yaml").replace("/dev/shm", folder))
            commands = block("Without an installation", "sh").replace("/dev/shm", folder)
            # The agent ends also where a command fails.
            out = check("sh", "-ec", f"trap 'kill $! 2>/dev/null || true' EXIT\n{commands}", cwd=clone, env=environment)
            self.assertRegex(out, r"(?m)^Bearer [\w-]+\.[\w-]+\.[\w-]+$")
            self.assertIn("no other owner has the lock\n", out)
            self.assertEqual([path.name for path in Path(folder).iterdir()], ["clone"])


if __name__ == "__main__":
    unittest.main()
