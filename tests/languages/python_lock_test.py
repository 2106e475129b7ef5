#!/usr/bin/env python3
"""The Python binding's locks beside a real agent (run by with_agent)."""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

BINDING = Path(__file__).resolve().parents[2] / "libclient" / "bindings" / "python"
sys.path.insert(0, str(BINDING))
sys.dont_write_bytecode = True

import jeton  # noqa: E402

PATIENCE = 60.0


class Locks(unittest.TestCase):
    def setUp(self):
        self.name = self.id().rpartition(".")[2]

    def lock(self, **options):
        return jeton.Lock(self.name, **options)

    def test_with_holds_it(self):
        with self.lock() as lock:
            self.assertFalse(lock.lost)
            self.assertGreater(lock.fence, 0)
            self.assertNotEqual(lock.owner, "")
            self.assertFalse(self.lock().try_acquire())
            with self.assertRaises(jeton.LockBusy):
                with self.lock(wait=0.02):
                    self.fail("held twice")
        self.assertTrue(lock.lost)
        with self.lock() as again:
            self.assertGreater(again.fence, lock.fence)

    def test_an_exception_passes_and_gives_it_back(self):
        with self.assertRaises(KeyError):
            with self.lock():
                raise KeyError
        self.assertTrue(self.lock().acquire(PATIENCE))

    def test_run_returns_what_the_work_returns(self):
        self.assertEqual(jeton.run(self.name, 30, lambda lock: (lock.lost, lock.name)), (False, self.name))
        self.assertTrue(self.lock().try_acquire())

    def test_several_are_taken_all_or_none(self):
        with self.lock() as one:
            self.assertFalse(jeton.Lock("free", also=[one.name]).try_acquire())
        with jeton.Lock("free", also=[one.name]) as both:
            self.assertGreater(both.fence_of(one.name), one.fence)

    def test_errors_are_of_a_kind(self):
        lock = self.lock(ttl=7200)
        with self.assertRaises(jeton.AgentRefused) as caught:
            lock.acquire(0)
        # Only the agent's reason, without the sentence of the status.
        self.assertRegex(str(caught.exception), f"^lock '{self.name}': .*max_ttl")
        self.assertNotIn("did not accept", str(caught.exception))
        with self.assertRaises(jeton.LockNotHeld) as caught:
            lock.release()
        self.assertEqual(str(caught.exception), f"lock '{self.name}': the lock is not held")
        with self.assertRaises(jeton.LockNotHeld):
            lock.extend(1)
        with self.lock(ttl=60) as held:
            with self.assertRaisesRegex(jeton.AgentRefused, f"^lock '{self.name}': ttl_ms is more than 1h, the max_ttl"):
                held.extend(7200)
            self.assertFalse(held.lost)
            for wait in (0, 0.02):
                with self.assertRaisesRegex(jeton.LockBusy, f"^lock '{self.name}': it is held by .+ uid"):
                    with self.lock(wait=wait):
                        self.fail("held twice")
        with self.assertRaises(jeton.InvalidArgument):
            jeton.Lock("no such name")
        with self.assertRaises(jeton.NoAgent):
            jeton.Lock("x", directory="/nowhere").try_acquire()

    def test_who_waits_for_the_loss_hears_of_a_release(self):
        async def close(lock):
            lock.close()

        async def reason_after(end):
            lock = self.lock()
            self.assertTrue(await lock.acquire_async(PATIENCE))
            lost = asyncio.ensure_future(lock.wait_lost())
            await asyncio.sleep(0)  # it waits now
            await end(lock)
            return await asyncio.wait_for(lost, PATIENCE)

        self.assertEqual(asyncio.run(reason_after(lambda lock: lock.release_async())), "")
        self.assertEqual(asyncio.run(reason_after(close)), "")

    def test_a_waiter_in_a_thread_is_woken_by_the_release(self):
        holder, waiter = self.lock(), self.lock()
        self.assertTrue(holder.try_acquire())
        won = []
        thread = threading.Thread(target=lambda: won.append(waiter.acquire()))
        thread.start()
        while "waiting" not in repr(waiter):
            pass
        holder.release()
        thread.join(PATIENCE)
        self.assertEqual(won, [True])

    def test_who_asks_meanwhile_does_not_hold_up_the_waiter(self):
        holder, waiter = self.lock(), self.lock(ttl=3600)

        async def main():
            self.assertTrue(holder.try_acquire())
            task = asyncio.ensure_future(waiter.acquire_async())
            await asyncio.sleep(0)
            holder.release()
            while waiter.lost:
                repr(waiter)
            os.kill(agent, signal.SIGSTOP)  # its next event would wake the waiter as well
            self.assertTrue(await task)
            self.assertIn("held", repr(waiter))

        agent = int(os.environ["AGENT_PID"])
        try:
            asyncio.run(asyncio.wait_for(main(), PATIENCE))
        finally:
            os.kill(agent, signal.SIGCONT)

    def test_keyboard_interrupt_ends_a_wait(self):
        program = (
            "import jeton, sys\n"
            "try:\n"
            "  print('waiting', flush=True)\n"
            "  jeton.Lock(sys.argv[1]).acquire()\n"
            "except KeyboardInterrupt: sys.exit(7)\n"
        )
        with self.lock():
            child = subprocess.Popen(
                [sys.executable, "-c", program, self.name],
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": str(BINDING)},
            )
            with child:
                self.assertEqual(child.stdout.readline(), b"waiting\n")
                child.send_signal(signal.SIGINT)
                self.assertEqual(child.wait(PATIENCE), 7)

    def test_no_descriptor_for_the_wait_leaves_no_lock(self):
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        ways = {
            "thread": lambda lock: lock.acquire(PATIENCE),
            "asyncio": lambda lock: loop.run_until_complete(lock.acquire_async(PATIENCE)),
        }
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        for way, take in ways.items():
            for more in range(1, 16):
                lock = self.lock(ttl=3600)
                free = os.dup(0)
                os.close(free)
                resource.setrlimit(resource.RLIMIT_NOFILE, (free + more, before[1]))
                try:
                    won = take(lock)
                except (OSError, jeton.JetonError):
                    won = False
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, before)
                self.assertEqual(won, not lock.lost, f"{way}, {more} descriptors")
                if won:
                    break
                # The agent ends an abandoned attempt when it sees the end of its connection, not before.
                self.assertTrue(self.lock().acquire(PATIENCE), f"{way}, {more} descriptors")
            self.assertTrue(won, way)

    def test_a_forked_child_does_not_have_it(self):
        with self.lock() as lock:
            child = os.fork()
            if child == 0:
                os._exit(0 if lock.lost and not self.lock().try_acquire() else 1)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            self.assertFalse(lock.lost)

    def test_asyncio_waits_without_a_thread(self):
        async def main():
            async with self.lock() as lock:
                self.assertFalse(lock.lost)
                waiter = self.lock()
                task = asyncio.ensure_future(waiter.acquire_async(PATIENCE))
                await asyncio.sleep(0)
                self.assertLessEqual(threading.active_count(), 1)
                self.assertFalse(await self.lock().acquire_async(0))
            self.assertTrue(await task)
            self.assertGreater(waiter.fence, lock.fence)
            await waiter.release_async()

        asyncio.run(asyncio.wait_for(main(), PATIENCE))

    def test_a_cancelled_task_waits_no_more(self):
        async def main():
            async with self.lock():
                waiter = self.lock()
                task = asyncio.ensure_future(waiter.acquire_async())
                await asyncio.sleep(0)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                self.assertTrue(waiter.lost)
            self.assertTrue(await self.lock().acquire_async(PATIENCE))

        asyncio.run(asyncio.wait_for(main(), PATIENCE))

    def test_a_wait_is_ended_by_close(self):
        async def main():
            async with self.lock():
                waiter = self.lock()
                task = asyncio.ensure_future(waiter.acquire_async())
                await asyncio.sleep(0)
                waiter.close()
                with self.assertRaises(jeton.LockNotHeld):
                    await task

        asyncio.run(asyncio.wait_for(main(), PATIENCE))

    def test_a_greenlet_that_waits_holds_up_no_other(self):
        program = (
            "from gevent import monkey; monkey.patch_all()\n"
            "import gevent, jeton, sys\n"
            "held, waiter = jeton.Lock(sys.argv[1]), jeton.Lock(sys.argv[1])\n"
            "held.acquire()\n"
            "wait = gevent.spawn(waiter.acquire)\n"
            "gevent.sleep(0)\n"
            "held.release()\n"  # runs only if the waiter lets it
            "print(wait.get(), waiter.lost)\n"
        )
        ended = subprocess.run(
            [sys.executable, "-c", program, self.name],
            env={**os.environ, "PYTHONPATH": str(BINDING), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        self.assertEqual(ended.stdout, "True False\n", ended.stderr)

    def test_the_loss_is_awaited(self):
        async def main():
            with self.assertRaises(jeton.LockLost):
                async with self.lock(ttl=6) as lock:
                    lost = asyncio.ensure_future(lock.wait_lost())
                    released = await asyncio.create_subprocess_exec(
                        os.environ["JETONCTL"], "lock", "release", self.name, "--owner", lock.owner
                    )
                    self.assertEqual(await released.wait(), 0)
                    self.assertNotEqual(await lost, "")
                    self.assertTrue(lock.lost)

        asyncio.run(asyncio.wait_for(main(), PATIENCE))

    def test_the_example_is_refused_with_an_outdated_fence(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "report")
            command = [sys.executable, str(BINDING / "examples" / "nightly_job.py"), self.name, path]
            environment = {**os.environ, "PYTHONPATH": str(BINDING)}
            self.assertEqual(subprocess.run(command, env=environment).returncode, 0)
            with self.lock() as lock:
                self.assertEqual(subprocess.run(command, env=environment).returncode, 3)
                database = sqlite3.connect(path)
                with database:
                    database.execute("UPDATE report SET fence = ?", (lock.fence + 10**12,))
            self.assertEqual(subprocess.run(command, env=environment).returncode, 4)

    def test_what_is_printed_without_standard_descriptors_ends_no_lock(self):
        program = (
            "import os, sys; import jeton\n"
            "os.closerange(0, 3)\n"
            "with jeton.Lock(sys.argv[1]) as lock:\n"
            "    for fd in (lock.fileno(), 0, 1, 2):\n"
            "        if fd <= 2 and os.path.exists(f'/proc/self/fd/{fd}'): os._exit(3)\n"
        )
        environment = {**os.environ, "PYTHONPATH": str(BINDING)}
        command = [sys.executable, "-c", program, self.name]
        self.assertEqual(subprocess.run(command, env=environment).returncode, 0)

    def test_the_example_is_strictly_typed(self):
        with tempfile.TemporaryDirectory() as cache:
            command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, "jeton", "examples/nightly_job.py"]
            checked = subprocess.run(command, cwd=BINDING, capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


if __name__ == "__main__":
    unittest.main()
