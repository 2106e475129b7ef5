"""Token: one token of this host."""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
from types import TracebackType
from typing import AsyncIterator, Dict, Optional, Type, Union

from . import _arguments
from ._changes import ByLoop, ByThread, Changes, GreenletChanges, has_greenlets
from ._handle import Handle, Reader
from ._library import ALLOW_EXPIRED, ALLOW_MISSING, Info, WaitOptions, check, library
from ._value import TokenInfo, TokenValue, info_of
from .errors import Busy, Expired, NoToken, NotFound, Status

# Python runs signal handlers (KeyboardInterrupt) between calls, in the main thread only.
_INTERRUPTIBLE_S = 0.2
# An agent that died between its change and telling of it notifies no reader; so look again at times.
_LOOK_S = 1.0


class Token:
    """One token of this host. Any number of threads may use it at once; after os.fork it works in the child too.

    Made by jeton.open(). Use it as a context manager, or close() it, or let it go. Calls on a closed one raise
    ValueError.
    """

    def __init__(
        self,
        name: str,
        directory: _arguments.Directory = None,
        *,
        allow_expired: bool = False,
        allow_missing: bool = False,
    ) -> None:
        flags = (ALLOW_EXPIRED if allow_expired else 0) | (ALLOW_MISSING if allow_missing else 0)
        self.name = name
        self._handle: Optional[Handle] = Handle(name, directory, flags)
        self._local = threading.local()
        self._changes: ByLoop = {}
        self._greenlet_changes: ByThread = {}

    # ---- Reading ----

    def current(self) -> TokenValue:
        """The current token: no system call, no network, no wait. The same object while nothing changed.

        NoToken, Expired, Busy, NotFound (with allow_missing), NoPermission, SegmentRefused.
        """
        return self._reader().current()

    def read(self) -> TokenValue:
        """As current(), but a new copy."""
        return self._reader().read()

    def info(self) -> TokenInfo:
        """Describes the token without its value; also one that expired."""
        handle = self._open_handle()
        info = Info(ctypes.sizeof(Info))
        check(library().jeton_inspect(handle.token, ctypes.byref(info)), handle.where)
        return info_of(info)

    def header(self) -> Dict[str, str]:
        """{"Authorization": "Bearer ..."} of the current token. Secret."""
        return {"Authorization": self.current().authorization}

    # ---- Waiting; timeouts in seconds, None: no limit, 0: only look ----

    def wait_valid(self, timeout: Optional[float] = None) -> int:
        """Blocks until there is a valid token; returns its generation. TimedOut; Cancelled: closed meanwhile."""
        return self.wait_change(0, timeout)

    def wait_change(self, generation: int, timeout: Optional[float] = None) -> int:
        """Blocks until there is a valid token of a higher generation, which is returned. TimedOut; Cancelled."""
        handle = self._open_handle()
        generation, timeout = _arguments.generation(generation), _arguments.timeout(timeout)
        if has_greenlets():
            return self._wait_with_greenlets(handle, generation, timeout)
        sliced = threading.current_thread() is threading.main_thread()
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else max(end - time.monotonic(), 0.0)
            if sliced:
                wait = _INTERRUPTIBLE_S if left is None else min(left, _INTERRUPTIBLE_S)
            else:
                wait = -1.0 if left is None else left
            status, found = _wait(handle, generation, wait)
            if status == Status.TIMED_OUT and (end is None or time.monotonic() < end):
                continue
            check(status, handle.where)
            return found

    def _wait_with_greenlets(self, handle: Handle, generation: int, timeout: Optional[float]) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        thread = threading.get_native_id()
        changes = self._greenlet_changes.setdefault(thread, GreenletChanges(handle))
        changes.enter()
        try:
            while True:
                status, found = _wait(handle, generation, 0.0)
                left = _LOOK_S if end is None else min(end - time.monotonic(), _LOOK_S)
                if status != Status.TIMED_OUT or left <= 0:
                    check(status, handle.where)
                    return found
                changes.next(left)
        finally:
            if changes.leave():
                self._greenlet_changes.pop(thread, None)

    async def wait_valid_async(self, timeout: Optional[float] = None) -> int:
        """wait_valid() for asyncio, without a thread."""
        return await self.wait_change_async(0, timeout)

    async def wait_change_async(self, generation: int, timeout: Optional[float] = None) -> int:
        """wait_change() for asyncio: no thread; one inotify instance for each token that is waited for."""
        handle = self._open_handle()
        generation, timeout = _arguments.generation(generation), _arguments.timeout(timeout)
        loop = asyncio.get_running_loop()
        end = None if timeout is None else loop.time() + timeout
        changes = self._changes.setdefault(loop, Changes(handle, loop))
        try:
            changes.enter()
        except BaseException:
            self._changes.pop(loop)
            raise
        try:
            while True:
                status, found = _wait(handle, generation, 0.0)
                left = _LOOK_S if end is None else min(end - loop.time(), _LOOK_S)
                if status != Status.TIMED_OUT or left <= 0:
                    check(status, handle.where)
                    return found
                await changes.next(left)
        finally:
            if changes.leave():
                self._changes.pop(loop, None)

    async def watch(self) -> AsyncIterator[TokenValue]:
        """The current token, then each that replaces it, without end. Waits while there is none."""
        seen = 0
        while True:
            await self.wait_change_async(seen)
            try:
                value = self.current()
            except (Expired, Busy, NoToken, NotFound):  # it has just expired, or is being replaced
                continue
            seen = value.generation
            yield value

    # ---- Feedback ----

    def rejected(self, generation: int) -> int:
        """Reports that the provider said 401 to the token of this generation; returns the generation current now.

        If that is higher, read again; otherwise wait_change(generation) waits for the new token, which the agents
        fetch once for the fleet. Asks the agent, for a second at most. NoAgent, NoPermission, AgentRefused, NoToken.
        """
        handle = self._open_handle()
        generation = _arguments.generation(generation)
        current = ctypes.c_uint64()
        check(library().jeton_rejected(handle.token, generation, ctypes.byref(current)), handle.where)
        return current.value

    def accepts(self, presented: Union[str, bytes, bytearray, memoryview]) -> bool:
        """Whether `presented` is the current token, or the previous one within its overlap; in constant time."""
        handle = self._open_handle()
        given = _arguments.presented(presented)
        status = library().jeton_accepts(handle.token, given, len(given))
        if status == Status.MISMATCH:
            return False
        check(status, handle.where)
        return True

    # ---- The end ----

    def close(self) -> None:
        """Ends the waits of other threads at once, those of asyncio within a second. Closing twice does nothing."""
        handle, self._handle = self._handle, None
        self._local = threading.local()
        if handle is not None:
            handle.end_waits()

    @property
    def closed(self) -> bool:
        return self._handle is None

    def __enter__(self) -> Token:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<jeton.Token {self.name!r}{' closed' if self.closed else ''}>"

    def _open_handle(self) -> Handle:
        handle = self._handle
        if handle is None:
            raise ValueError(f"token {self.name!r} is closed")
        return handle

    def _reader(self) -> Reader:
        local = self._local
        reader: Optional[Reader] = getattr(local, "reader", None)
        if reader is None:
            reader = local.reader = Reader(self._open_handle())
        return reader


def _wait(handle: Handle, generation: int, seconds: float) -> "tuple[int, int]":
    """One call of jeton_wait: status and generation. Negative seconds: no limit."""
    ms = -1 if seconds < 0 else _arguments.milliseconds(seconds)
    options = WaitOptions(ctypes.sizeof(WaitOptions), generation, ms, handle.cancel)
    found = ctypes.c_uint64()
    status: int = library().jeton_wait(handle.token, ctypes.byref(options), ctypes.byref(found))
    return status, found.value


def open(  # noqa: A001 (as in gzip.open: meant to be called as jeton.open)
    name: str, directory: _arguments.Directory = None, *, allow_expired: bool = False, allow_missing: bool = False
) -> Token:
    """Opens the token `name`.

    directory: the agent's runtime_dir; None: $JETON_DIR if set, else /run/jeton.
    allow_expired: reads also return an expired token (TokenValue.expired).
    allow_missing: no NotFound if there is no such token yet; reads raise it until then, waits wait.
    NotFound, NoPermission, SegmentRefused, InvalidArgument; TypeError; OSError: libjeton itself is missing.
    """
    return Token(name, directory, allow_expired=allow_expired, allow_missing=allow_missing)
