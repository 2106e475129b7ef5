"""Lock: a lock that one process of the whole fleet holds at a time."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import select
from types import TracebackType
from typing import Callable, Optional, Sequence, Set, Type, TypeVar

from . import _arguments
from ._library import LockOptions, check, library
from .errors import JetonError, LockLost, Status

T = TypeVar("T")

# What these say is of the call itself; the reason that the library keeps is of an attempt before it.
_OF_THE_CALL = (Status.LOCK_NOT_HELD, Status.INVALID_ARGUMENT, Status.SYSTEM_ERROR)


class Lock:
    """A fleet-wide lock, taken, renewed and released by this host's agent; contacts no agent before it is taken.

        with Lock("nightly") as lock:          # waits; async with in asyncio
            while work and not lock.lost:
                step(fence=lock.fence)

    ttl: how long it stays locked after the death of this host, in seconds. wait: how long `with` waits for it; None:
    without limit. also: more locks, all or none. metadata: shown with the holder.
    It can be lost while it is held: look at `lost` before each step that matters, and have the resource refuse a fence
    lower than one it has seen. Leaving `with` raises LockLost if it was lost before, unless an exception is on its way.
    One thread takes and releases; any may ask. A forked child does not have its parent's lock.
    """

    def __init__(
        self,
        name: str,
        ttl: float = 30.0,
        *,
        wait: Optional[float] = None,
        directory: _arguments.Directory = None,
        retry: Optional[float] = None,
        metadata: Optional[str] = None,
        also: Sequence[str] = (),
    ) -> None:
        given_name = _arguments.text(name, "the name of a lock")
        more = _arguments.texts(also, "also")
        options = LockOptions(
            ctypes.sizeof(LockOptions),
            _arguments.directory(directory),
            _ms(ttl, "ttl"),
            0 if retry is None else max(_ms(retry, "retry"), 1),
            None if metadata is None else _arguments.text(metadata, "metadata"),
            (ctypes.c_char_p * len(more))(*more),
            len(more),
        )
        self.name = name
        self._handle = ctypes.c_void_p()
        self._waits = False
        self._asleep: Set[Callable[[], object]] = set()  # wakes a coroutine that waits for news
        self._wait = _arguments.timeout(wait, "wait")
        # Kept, because at the interpreter's exit modules may be gone before the last lock.
        self._library = library()
        status = self._library.jeton_lock_open(ctypes.byref(options), given_name, ctypes.byref(self._handle))
        check(status, f"lock {name!r}")

    # ---- Taking it ----

    def acquire(self, timeout: Optional[float] = None) -> bool:
        """Waits for it, without limit if there is no timeout; False: another owner held it. Raises JetonError otherwise."""
        # Not in one call of the library: Python's signal handlers (KeyboardInterrupt) are to end the wait.
        wait, ready = _wait_ms(timeout), select.poll()
        ready.register(self.fileno(), select.POLLIN)  # before it is asked for: there may be no descriptor left
        try:
            self._start(wait)
            while (status := self._status()) == Status.LOCK_WAITING:
                ready.poll()
        except JetonError:  # nothing was begun
            raise
        except BaseException:
            self._give_up()
            raise
        finally:
            self._waits = False
        return self._won(status)

    def try_acquire(self) -> bool:
        return self.acquire(0)

    async def acquire_async(self, timeout: Optional[float] = None) -> bool:
        """acquire() for asyncio, without a thread; ends its wait when the task is cancelled.

        The agent hears of a wait that is ended a moment later, and may just have taken the lock: a try right afterwards
        may then find it busy.
        """
        wait = _wait_ms(timeout)
        self.fileno()  # as above
        try:
            self._start(wait)
            while (status := self._status()) == Status.LOCK_WAITING:
                await self._news()
        except JetonError:
            raise
        except BaseException:
            self._give_up()
            raise
        finally:
            self._waits = False
        return self._won(status)

    # ---- Giving it back ----

    def release(self) -> None:
        """LockLost: it was not held until now. LockNotHeld. NoAgent: no confirmation; it expires."""
        self._check(self._give_back())

    async def release_async(self) -> None:
        # With this object, which must not go before the thread is done with it.
        await asyncio.get_running_loop().run_in_executor(None, self.release)

    def extend(self, ttl: float) -> None:
        """Replaces the TTL, in seconds, from now on and for the renewals to come. LockLost, LockNotHeld."""
        self._check(self._library.jeton_lock_extend(self._handle, _ms(ttl, "ttl")))

    def close(self) -> None:
        """Releases it in whatever state it is, or ends the wait of another task (LockNotHeld there); raises nothing."""
        self._give_back()

    # ---- State ----

    @property
    def lost(self) -> bool:
        """True unless it is held now."""
        # Without consuming the event that an acquire() elsewhere waits for.
        return bool(self._library.jeton_lock_lost(self._handle))

    async def wait_lost(self) -> str:
        """Returns when it is not held any more, with the reason; after a release it is empty. asyncio."""
        while not self.lost:
            await self._news(lambda: self.lost)
        return self.reason

    @property
    def fence(self) -> int:
        """Rises with every acquisition by any client. LockNotHeld: never taken."""
        return self.fence_of(None)

    def fence_of(self, name: Optional[str]) -> int:
        """That of one of several locks."""
        fence = ctypes.c_uint64()
        which = None if name is None else _arguments.text(name, "the name of a lock")
        self._check(self._library.jeton_lock_fence(self._handle, which, ctypes.byref(fence)))
        return fence.value

    @property
    def owner(self) -> str:
        """The owner id, as stored in Redis. A client that knows it can release the lock."""
        text = ctypes.create_string_buffer(65)
        self._check(self._library.jeton_lock_owner(self._handle, None, text, len(text)))
        return text.value.decode()

    @property
    def reason(self) -> str:
        """Why it was refused or lost, in a sentence."""
        text = ctypes.create_string_buffer(512)
        self._library.jeton_lock_reason(self._handle, text, len(text))
        return text.value.decode("utf-8", "replace")

    def fileno(self) -> int:
        """Readable when there may be news, for select and its like; then look at `lost`."""
        fd = ctypes.c_int(-1)
        self._check(self._library.jeton_lock_event_fd(self._handle, ctypes.byref(fd)))
        return fd.value

    # ---- with ----

    def __enter__(self) -> Lock:
        if not self.acquire(self._wait):
            self._check(Status.LOCK_BUSY)
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        status = self._give_back()
        if kind is None and status == Status.LOCK_LOST:
            self._check(status)

    async def __aenter__(self) -> Lock:
        if not await self.acquire_async(self._wait):
            self._check(Status.LOCK_BUSY)
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        try:
            await self.release_async()
        except LockLost:
            if kind is None:
                raise
        except JetonError:  # no confirmation: it expires
            pass

    def __repr__(self) -> str:
        state = "held" if not self.lost else "waiting" if self._waits else "not held"
        return f"<jeton.Lock {self.name!r} {state}>"

    def __del__(self) -> None:
        if hasattr(self, "_library"):
            self._library.jeton_lock_close(self._handle)

    def _status(self) -> int:
        status: int = self._library.jeton_lock_check(self._handle)
        return status

    def _start(self, wait_ms: int) -> None:
        self._check(self._library.jeton_lock_start(self._handle, wait_ms))
        self._waits = True

    def _give_back(self) -> int:
        status: int = self._library.jeton_lock_release(self._handle)
        for wake in list(self._asleep):
            with contextlib.suppress(RuntimeError):  # its event loop is closed
                wake()
        return status

    def _give_up(self) -> None:
        self.close()
        self._status()  # so the descriptor does not announce it

    def _won(self, status: int) -> bool:
        if status == Status.LOCK_BUSY:
            return False
        self._check(status)
        return True

    def _check(self, status: int) -> None:
        if status:
            check(status, f"lock {self.name!r}", "" if status in _OF_THE_CALL else self.reason)

    async def _news(self, is_known: Callable[[], bool] = lambda: False) -> None:
        """A copy of the descriptor for each who waits: an event loop takes one only once.

        A release by another task or thread is no news for the descriptor. `is_known` finds one that was too early.
        """
        loop = asyncio.get_running_loop()
        readable = loop.create_future()

        def wake() -> None:
            loop.call_soon_threadsafe(_set, readable)

        fd = os.dup(self.fileno())
        loop.add_reader(fd, _set, readable)
        self._asleep.add(wake)
        try:
            if not is_known():
                await readable
        finally:
            self._asleep.discard(wake)
            loop.remove_reader(fd)
            os.close(fd)


def _ms(seconds: float, what: str) -> int:
    return _arguments.milliseconds(_arguments.seconds(seconds, what))


def _wait_ms(timeout: Optional[float]) -> int:
    return _arguments.milliseconds(_arguments.timeout(timeout))


def _set(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


def run(name: str, ttl: float, work: Callable[[Lock], T], *, wait: Optional[float] = None) -> T:
    """Calls work(lock) while the lock is held and returns what that returns. LockLost: lost before work ended."""
    if not callable(work):
        raise TypeError(f"work must be callable, not {type(work).__name__}")
    with Lock(name, ttl, wait=wait) as lock:
        return work(lock)
