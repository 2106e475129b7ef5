#!/usr/bin/env python3
"""The Python binding beside a real agent (run by with_agent)."""

import asyncio
import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BINDING = Path(__file__).resolve().parents[2] / "libclient" / "bindings" / "python"
sys.path[:0] = [str(BINDING), str(BINDING / "examples")]
sys.dont_write_bytecode = True

import jeton  # noqa: E402

PATIENCE = 60.0


def refresh():
    subprocess.run([os.environ["JETONCTL"], "refresh", "api"], check=True, stdout=subprocess.DEVNULL)


def jetonctl_get():
    return subprocess.run([os.environ["JETONCTL"], "get", "api"], check=True, capture_output=True).stdout.decode()


class Reading(unittest.TestCase):
    def test_value_and_description_are_those_of_the_segment(self):
        with jeton.open("api") as token:
            value = token.current()
            self.assertEqual(value.value, jetonctl_get().strip())
            self.assertEqual(value.type, "")  # this provider's answer has no /type
            self.assertEqual(value.attributes, {"kind": "Bearer"})
            self.assertEqual(token.header(), {"Authorization": "Bearer " + value.value})
            self.assertGreater(value.expires_at, datetime.now(timezone.utc))
            self.assertEqual(token.read(), value)
            info = token.info()
            self.assertEqual((info.generation, info.expires_at), (value.generation, value.expires_at))
            self.assertEqual(info.value_size, len(value.value))

    def test_current_is_the_same_object_until_the_token_changes(self):
        with jeton.open("api") as token:
            before = token.current()
            self.assertIs(token.current(), before)
            refresh()
            self.assertEqual(token.wait_change(before.generation, PATIENCE), token.current().generation)
            self.assertNotEqual(token.current().value, before.value)

    def test_current_has_the_attributes_of_a_token_that_is_given_again(self):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as directory, contextlib.ExitStack() as at_end:
            answer, config, run = (Path(directory, name) for name in ("answer.json", "agent.yaml", "run"))
            end = int(time.time()) + 3600

            def give(plan):
                answer.with_suffix(".new").write_text(
                    json.dumps({"token": "the-same", "expires_at": end, "plan": plan})
                )
                answer.with_suffix(".new").rename(answer)

            def attributes_of_another_reader():
                shown = [os.environ["JETONCTL"], "--dir", str(run), "get", "api", "--format", "json", "--wait", "1m"]
                return json.loads(subprocess.run(shown, check=True, capture_output=True).stdout)["attributes"]

            give("old")
            config.write_text(
                f"""
version: 1
agent: {{runtime_dir: {run}, state_dir: {directory}/state}}
tokens:
  api:
    source:
      type: exec
      command: [/bin/cat, {answer}]
      response: {{token: /token, expires_at: /expires_at, attributes: {{plan: /plan}}}}
    refresh: {{min_interval: 10ms}}
"""
            )
            start = [os.environ["JETON_AGENT"], "run", "--config", str(config)]
            agent = subprocess.Popen(start, stderr=subprocess.DEVNULL)
            at_end.callback(agent.wait)
            at_end.callback(agent.kill)
            while not (run / "segments" / "api").exists():
                self.assertIsNone(agent.poll())
            self.assertEqual(attributes_of_another_reader(), {"plan": "old"})
            with jeton.open("api", run) as token:
                before = token.current()
                give("new")
                ask = [os.environ["JETONCTL"], "--dir", str(run), "refresh", "api"]
                subprocess.run(ask, check=True, stdout=subprocess.DEVNULL)
                while attributes_of_another_reader() == {"plan": "old"}:
                    pass
                after = token.current()
                self.assertEqual((after.generation, after.value), (before.generation, before.value))
                self.assertEqual(after.expires_at, before.expires_at)
                self.assertEqual(after.attributes, {"plan": "new"})
                self.assertIs(token.current(), after)

    def test_a_directory_can_be_named(self):
        with tempfile.TemporaryDirectory() as empty:
            with self.assertRaises(jeton.NotFound):
                jeton.open("api", empty)
        with jeton.open("api", os.environ["JETON_DIR"]) as token:
            token.current()

    def test_no_secret_in_what_is_printed(self):
        with jeton.open("api") as token:
            value = token.current()
            for text in (repr(value), str(value), f"{value}", repr(token), repr(token.info()), repr([value])):
                self.assertNotIn(value.value, text)
                self.assertNotIn("kind", text)

    def test_each_thread_has_its_own_view(self):
        token = jeton.open("api")
        seen, errors = [], []
        stop = threading.Event()

        def read():
            try:
                while not stop.is_set():
                    seen.append(token.current().generation)
            except Exception as error:  # reported below
                errors.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            generation = token.current().generation
            refresh()
            token.wait_change(generation, PATIENCE)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertGreaterEqual(len(set(seen)), 2)

    def test_works_in_a_forked_child(self):
        token = jeton.open("api")
        before = token.current().generation
        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                token.current()
                os.write(into, b"r")
                os.write(into, str(token.wait_change(before, PATIENCE)).encode())
            finally:
                os._exit(0)
        self.assertEqual(os.read(out, 1), b"r")
        refresh()
        after = token.wait_change(before, PATIENCE)
        os.waitpid(child, 0)
        self.assertEqual(int(os.read(out, 100)), after)
        os.close(out), os.close(into)


class Errors(unittest.TestCase):
    def test_are_of_a_kind(self):
        with self.assertRaises(jeton.NotFound) as caught:
            jeton.open("nosuch")
        self.assertIsInstance(caught.exception, jeton.JetonError)
        self.assertEqual(caught.exception.status, jeton.Status.NOT_FOUND)
        self.assertIn("'nosuch'", str(caught.exception))
        with self.assertRaises(jeton.InvalidArgument):
            jeton.open("../api")
        with jeton.open("nosuch", allow_missing=True) as token, self.assertRaises(jeton.NotFound):
            token.current()

    def test_survive_pickling(self):
        with self.assertRaises(jeton.NotFound) as caught:
            jeton.open("nosuch")
        again = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((type(again), str(again)), (jeton.NotFound, str(caught.exception)))

    def test_a_segment_that_others_may_write_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            segments = Path(directory) / "segments"
            segments.mkdir(mode=0o755)
            forged = segments / "api"
            forged.write_bytes(Path(os.environ["JETON_DIR"], "segments", "api").read_bytes())
            forged.chmod(0o666)
            with self.assertRaises(jeton.SegmentRefused) as caught:
                jeton.open("api", directory)
            self.assertEqual(caught.exception.status, jeton.Status.WRITABLE_FILE)

    def test_a_closed_token_says_so(self):
        token = jeton.open("api")
        token.current()
        token.close()
        token.close()
        for call in (token.current, token.info, token.wait_valid):
            with self.assertRaises(ValueError):
                call()

    def test_every_status_of_the_header_is_known(self):
        header = (BINDING.parents[1] / "include" / "jeton" / "jeton.h").read_text()
        for status in jeton.Status:
            if status is not jeton.Status.UNKNOWN:
                self.assertIn(f"JETON_{status.name} = {status.value}", header)
        self.assertEqual(header.split("typedef enum", 1)[1].split("}", 1)[0].count(" = "), len(jeton.Status) - 1)


class Arguments(unittest.TestCase):
    def refused(self, kind, *calls):
        for call in calls:
            with self.subTest(call), self.assertRaises(kind):
                call()

    def test_of_another_type_are_a_type_error(self):
        with jeton.open("api") as token, jeton.Lock("arguments") as lock:
            for value in (5, 5.0, None, ["api"], b"api", object()):
                self.refused(
                    TypeError,
                    lambda: jeton.open(value),
                    lambda: jeton.diagnose(value),
                    lambda: jeton.Lock(value),
                    lambda: jeton.Lock("x", also=value if value != ["api"] else [5]),
                )
                if value is not None:
                    self.refused(TypeError, lambda: jeton.Lock("x", metadata=value), lambda: lock.fence_of(value))
            for value in (5, 5.0, ["api"], object()):
                self.refused(
                    TypeError,
                    lambda: jeton.open("api", value),
                    lambda: jeton.list_tokens(value),
                    lambda: jeton.diagnose("api", value),
                    lambda: jeton.Lock("x", directory=value),
                    lambda: token.accepts(value),
                    lambda: jeton.run("x", 1, value),
                )
            for value in ("5", [5], b"5", object()):
                self.refused(
                    TypeError,
                    lambda: token.wait_change(value),
                    lambda: token.rejected(value),
                    lambda: token.wait_valid(value),
                    lambda: asyncio.run(token.wait_change_async(value)),
                    lambda: asyncio.run(token.wait_valid_async(value)),
                    lambda: jeton.Lock("x", value),
                    lambda: jeton.Lock("x", wait=value),
                    lambda: jeton.Lock("x", retry=value),
                    lambda: jeton.Lock("y").acquire(value),
                    lambda: lock.extend(value),
                )
            self.refused(
                TypeError, lambda: token.wait_change(1.5), lambda: token.accepts(None), lambda: jeton.Lock("x", also="ab")
            )

    def test_that_are_impossible_are_a_value_error(self):
        with jeton.open("api") as token:
            self.refused(
                ValueError,
                lambda: token.wait_change(-1, 0),
                lambda: token.wait_change(2**64, 0),
                lambda: token.rejected(-1),
                lambda: token.wait_valid(float("nan")),
                lambda: jeton.Lock("x", float("nan")),
                lambda: jeton.open("api", os.environ["JETON_DIR"] + "\0x"),
            )
            self.refused(
                jeton.InvalidArgument,
                lambda: jeton.open("api\0x"),
                lambda: jeton.Lock("x\0y"),
                lambda: jeton.Lock("x", metadata="a\0b"),
                lambda: jeton.Lock("x", also=["y\0z"]),
                lambda: jeton.open("api\ud800"),
                lambda: jeton.Lock("x", metadata="a\ud800"),
                lambda: jeton.Lock("x", metadata="a\udcff"),
                lambda: jeton.Lock("x", metadata="a\nb"),
            )
            token.wait_valid(float("inf"))
            self.refused(jeton.TimedOut, lambda: token.wait_change(2**64 - 1, -5))

    def test_may_be_of_any_type_that_python_takes_there(self):
        with jeton.open("api", Path(os.environ["JETON_DIR"])) as token:
            value = token.current().value.encode()
            self.assertTrue(token.accepts(bytearray(value)))
            self.assertTrue(token.accepts(memoryview(value)))


class Descriptors(unittest.TestCase):
    def see_a_refresh(self, program, **environment):
        """Runs a program that prints a line when it waits for a change, and returns what it prints then."""
        child = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(BINDING), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        )
        with child:
            self.assertEqual(child.stdout.readline(), "waiting\n")
            refresh()
            out, err = child.communicate(timeout=PATIENCE)
        self.assertEqual(child.returncode, 0, err)
        return out, err

    def test_without_an_inotify_instance_a_change_is_seen_and_the_sysctl_is_named(self):
        out, err = self.see_a_refresh(
            "import asyncio, jeton\n"
            "async def main(token):\n"
            "  before = token.current().generation\n"
            "  wait = asyncio.ensure_future(token.wait_change_async(before))\n"
            "  await asyncio.sleep(0)\n"
            "  print('waiting', flush=True)\n"
            "  print(await wait > before)\n"
            "asyncio.run(main(jeton.open('api')))\n",
            LD_PRELOAD=os.environ["NO_INOTIFY"],
        )
        self.assertEqual(out, "True\n")
        self.assertIn("fs.inotify.max_user_instances", err)

    def test_greenlets_wait_together_and_hold_up_no_other(self):
        out, _ = self.see_a_refresh(
            "from gevent import monkey; monkey.patch_all()\n"
            "import gevent, jeton, os\n"
            "token = jeton.open('api')\n"
            "before = token.current().generation\n"
            "waits = [gevent.spawn(token.wait_change, before) for _ in range(500)]\n"
            "gevent.sleep(0)\n"
            "links = [os.readlink('/proc/self/fd/' + fd) for fd in os.listdir('/proc/self/fd') if int(fd) > 2 and os.path.exists('/proc/self/fd/' + fd)]\n"
            "instances = sum(link.endswith('inotify') for link in links)\n"
            "turns = []\n"
            "def work():\n"
            "  while True:\n"
            "    turns.append(0)\n"
            "    gevent.sleep(0.001)\n"
            "worker = gevent.spawn(work)\n"
            "gevent.sleep(0.01)\n"
            "print('waiting', flush=True)\n"
            "gevent.joinall(waits, raise_error=True)\n"
            "print(all(wait.value > before for wait in waits), instances, len(turns) > 1)\n"
        )
        self.assertEqual(out, "True 1 True\n")


class Waiting(unittest.TestCase):
    def test_runs_out(self):
        with jeton.open("api") as token:
            generation = token.wait_valid(0)
            with self.assertRaises(jeton.TimedOut):
                token.wait_change(generation, 0.05)
            with self.assertRaises(TimeoutError):
                token.wait_change(generation, 0)

    def test_lets_other_threads_run_and_ends_when_the_token_is_closed(self):
        token = jeton.open("api")
        generation = token.current().generation
        outcome = []

        def wait():
            try:
                token.wait_change(generation + 10**12)
            except jeton.JetonError as error:
                outcome.append(type(error))
            except ValueError:  # closed before the wait began
                outcome.append(jeton.Cancelled)

        thread = threading.Thread(target=wait)
        thread.start()
        token.close()
        thread.join(PATIENCE)
        self.assertFalse(thread.is_alive())
        self.assertEqual(outcome, [jeton.Cancelled])

    def test_keyboard_interrupt_ends_it(self):
        program = (
            "import jeton, sys\n"
            "token = jeton.open('api')\n"
            "generation = token.current().generation\n"
            "try:\n"
            "  print('waiting', flush=True)\n"
            "  token.wait_change(generation + 10**12)\n"
            "except KeyboardInterrupt: sys.exit(7)\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(BINDING)}
        )
        with child:
            self.assertEqual(child.stdout.readline(), b"waiting\n")
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(PATIENCE), 7)

    def test_asyncio_sees_a_change_without_a_thread(self):
        async def run(token):
            generation = token.current().generation
            waits = [asyncio.ensure_future(token.wait_change_async(generation, PATIENCE)) for _ in range(3)]
            await asyncio.sleep(0)  # so that they wait
            threads = threading.active_count()
            process = await asyncio.create_subprocess_exec(
                os.environ["JETONCTL"], "refresh", "api", stdout=asyncio.subprocess.DEVNULL
            )
            found = await asyncio.gather(*waits)
            self.assertLessEqual(threads, 1)
            self.assertEqual(set(found), {token.current().generation})
            await process.wait()
            with self.assertRaises(jeton.TimedOut):
                await token.wait_change_async(found[0], 0.05)

        with jeton.open("api") as token:
            descriptors = len(os.listdir("/proc/self/fd"))
            asyncio.run(run(token))
            self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)

    def test_watch_gives_each_token(self):
        async def run(token):
            seen = []
            async for value in token.watch():
                seen.append(value.generation)
                if len(seen) == 3:
                    return seen
                process = await asyncio.create_subprocess_exec(
                    os.environ["JETONCTL"], "refresh", "api", stdout=asyncio.subprocess.DEVNULL
                )
                await process.wait()

        with jeton.open("api") as token:
            seen = asyncio.run(asyncio.wait_for(run(token), PATIENCE))
            self.assertEqual(seen, sorted(set(seen)))

    def test_watch_goes_on_after_a_moment_without_the_segment(self):
        async def run(token):
            return await token.watch().__anext__()

        with jeton.open("api") as token:
            value = token.current()
            removed = jeton.NotFound("removed", jeton.Status.NOT_FOUND)
            with unittest.mock.patch.object(token, "current", side_effect=[removed, value]):
                self.assertEqual(asyncio.run(asyncio.wait_for(run(token), PATIENCE)), value)

    def test_a_cancelled_task_leaves_no_descriptor(self):
        async def run(token):
            task = asyncio.ensure_future(token.wait_change_async(token.current().generation))
            await asyncio.sleep(0)
            before = len(os.listdir("/proc/self/fd"))
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(len(os.listdir("/proc/self/fd")), before - 1)

        with jeton.open("api") as token:
            asyncio.run(run(token))


class Feedback(unittest.TestCase):
    def test_a_rejection_leads_to_one_new_token(self):
        with jeton.open("api") as token:
            refused = token.current()
            token.rejected(refused.generation)
            newer = token.wait_change(refused.generation, PATIENCE)
            self.assertEqual(token.rejected(refused.generation), newer)  # said once more, too late
            self.assertNotEqual(token.current().value, refused.value)

    def test_of_a_generation_that_never_was_is_refused(self):
        with jeton.open("api") as token, self.assertRaises(jeton.AgentRefused):
            token.rejected(token.current().generation + 10**12)

    def test_without_an_agent(self):
        with tempfile.TemporaryDirectory() as directory:
            with self.assertRaises(jeton.NoAgent):
                jeton.list_tokens(directory)
            self.assertEqual(jeton.diagnose("api", directory).agent, jeton.Status.NO_AGENT)

    def test_accepts_the_current_and_the_previous_token(self):
        with jeton.open("api") as token:
            before = token.current()
            refresh()
            token.wait_change(before.generation, PATIENCE)
            self.assertTrue(token.accepts(token.current().value))
            self.assertTrue(token.accepts(before.value.encode()))
            self.assertFalse(token.accepts(before.value[:-1] + "!"))
            self.assertFalse(token.accepts(b""))
            self.assertFalse(token.accepts("\ud800"))  # as JSON of a client may have it

    def test_looking_around(self):
        self.assertEqual(jeton.list_tokens(), ["api"])
        diagnosis = jeton.diagnose("api")
        self.assertEqual((diagnosis.token, diagnosis.agent), (jeton.Status.OK, jeton.Status.OK))
        self.assertEqual(jeton.diagnose("nosuch").token, jeton.Status.NOT_FOUND)


class Provider:
    """An API that accepts only the current token, unless the test lets it refuse that one."""

    def __init__(self, token):
        self.refused = set()
        self.requests = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                presented = self.headers.get("Authorization", "").partition(" ")[2]
                known = presented == token.read().value and presented not in provider.refused
                provider.requests.append((presented, body))
                answer = (body or b"welcome") if known and not provider.closed else b"no"
                self.send_response(200 if known and not provider.closed else 401)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

            def log_message(self, *ignored):
                pass

        self.closed = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def end(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Middleware(unittest.TestCase):
    def setUp(self):
        self.token = jeton.open("api")
        self.provider = Provider(self.token)
        self.addCleanup(self.token.close)
        self.addCleanup(self.provider.end)
        # The more rejections in a row, the later the next token. After a token that was not refused the count starts
        # again; the last test may have left a refused one.
        for _ in range(2):
            before = self.token.current().generation
            refresh()
            self.token.wait_change(before, PATIENCE)

    def check(self, post):
        """post(patience) sends b"hello" and returns status and body."""
        self.assertEqual(post(), (200, b"hello"))
        self.assertEqual(len(self.provider.requests), 1)
        refused = self.token.current()
        self.provider.refused.add(refused.value)
        self.assertEqual(post(), (200, b"hello"))  # refused, reported, again with the new token
        tried = [presented for presented, _ in self.provider.requests[1:]]
        self.assertEqual(tried, [refused.value, self.token.current().value])
        self.assertGreater(self.token.current().generation, refused.generation)
        self.provider.closed = True  # for every token
        self.assertEqual(post(0.1)[0], 401)
        # Once more at most: only with a newer token, if one came in time.
        self.assertIn(len(self.provider.requests), (4, 5))

    def test_requests(self):
        import requests
        from requests_auth import JetonAuth

        with requests.Session() as session:

            def post(patience=PATIENCE):
                response = session.post(
                    self.provider.url, data=b"hello", auth=JetonAuth(self.token, patience), timeout=2 * PATIENCE
                )
                return response.status_code, response.content

            self.check(post)

    def test_httpx(self):
        import httpx
        from httpx_auth import JetonAuth

        with httpx.Client(timeout=2 * PATIENCE) as client:

            def post(patience=PATIENCE):
                response = client.post(self.provider.url, content=b"hello", auth=JetonAuth(self.token, patience))
                return response.status_code, response.content

            self.check(post)

    def test_httpx_async(self):
        import httpx
        from httpx_auth import JetonAuth

        async def send(patience):
            async with httpx.AsyncClient(auth=JetonAuth(self.token, patience), timeout=2 * PATIENCE) as client:
                response = await client.post(self.provider.url, content=b"hello")
                return response.status_code, response.content

        self.check(lambda patience=PATIENCE: asyncio.run(send(patience)))


class Typing(unittest.TestCase):
    def test_package_and_examples_are_strictly_typed(self):
        with tempfile.TemporaryDirectory() as cache:
            for files, options in (
                (["jeton", "make_wheel.py", "examples/httpx_auth.py"], []),
                # requests has no types of its own
                (["examples/requests_auth.py"], ["--disable-error-code", "import", "--allow-subclassing-any"]),
            ):
                run = subprocess.run(
                    [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, *options, *files],
                    cwd=BINDING, capture_output=True, text=True, env={**os.environ, "MYPYPATH": "."},
                )  # fmt: skip
                self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
